// The kind of a run in a sentence.
#ifndef POPAUG_RUNDIR_INTERNAL_ARTICLE_H_
#define POPAUG_RUNDIR_INTERNAL_ARTICLE_H_

#include <string>

namespace popaug {

// "a search", "an audit".
inline std::string with_article(const std::string& noun) {
  const bool vowel = std::string("aeiou").find(noun.front()) != std::string::npos;
  return (vowel ? "an " : "a ") + noun;
}

}  // namespace popaug

#endif  // POPAUG_RUNDIR_INTERNAL_ARTICLE_H_

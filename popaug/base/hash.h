// Checksums of files and fingerprints of data: XXH3, 128 bits (not against an adversary).
#ifndef POPAUG_BASE_HASH_H_
#define POPAUG_BASE_HASH_H_

#include <memory>
#include <string>
#include <string_view>

namespace popaug {

// 32 lower-case hexadecimal digits of XXH3-128 over `bytes`.
std::string hash_hex(std::string_view bytes);

// The same over pieces added one after another.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  void add(std::string_view bytes);
  // Adds the length first, so that ("a","bc") and ("ab","c") differ.
  void add_field(std::string_view bytes);
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace popaug

#endif  // POPAUG_BASE_HASH_H_

// A space: a named list of ops with their level -> value maps (DESIGN section 2).
#ifndef POPAUG_AUGMENT_SPACE_H_
#define POPAUG_AUGMENT_SPACE_H_

#include <string>
#include <string_view>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// Which side of the image scales a value in pixels (DESIGN 4.7); the reference side is 32.
enum class PixelScale { kNone, kWidth, kHeight, kShorter };

// What an op leaves where it uncovers pixels: a hole (alpha 0) or opaque black (torchvision).
enum class Fill { kHole, kBlack };

// One op of a space. `values` holds the value of every level, unscaled and without sign; it is
// empty for an op that ignores its level.
struct SpaceOp {
  std::string op;  // the name of a row of the op table
  bool is_signed = false;
  PixelScale scale = PixelScale::kNone;
  std::vector<double> values;  // [levels] or []
  bool operator==(const SpaceOp&) const = default;
};

struct Space {
  std::string name;  // "pba", "autoaugment", "randaugment", "trivial", "trivial-standard", own
  int levels = 11;   // levels are 0 .. levels-1
  int search_levels = 10;  // a search draws 0 .. search_levels-1 (REFERENCE 2: 0..9)
  Fill fill = Fill::kHole;
  std::vector<SpaceOp> ops;
  bool operator==(const Space&) const = default;

  // Index of the op, or an Error with the nearest known name.
  int index_of(std::string_view op) const;
  std::vector<std::string> op_names() const;
};

// The names of the built-in spaces.
std::vector<std::string> space_names();
// A built-in space by name; UsageError with the nearest name otherwise.
Space space_by_name(std::string_view name);
// A built-in name, or the path of a TOML file (docs/formats/space.md).
Space load_space(const std::string& name_or_path);
// The same space without the ops that cannot change a grey image; their names go to `left_out`.
Space space_for_grey(const Space& space, std::vector<std::string>* left_out);

// As it stands in a schedule file and in the worker protocol; space_from_json refuses unknown ops,
// NaN, and lists of values of the wrong length.
Json space_to_json(const Space& space);
Space space_from_json(const Json& json, const std::string& origin);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_SPACE_H_

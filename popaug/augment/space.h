// A space: a named list of ops with their level -> value maps (docs/architecture.md#glossary).
#ifndef POPAUG_AUGMENT_SPACE_H_
#define POPAUG_AUGMENT_SPACE_H_

#include <string>
#include <string_view>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// Which side of the image scales a value in pixels. The reference side is 32. kWidth, kHeight and
// kShorter round to the nearest pixel and hold still under paper settings
// (docs/architecture.md#pixels-scale). The last two are torchvision's own rule for RandAugment:
// always scaled, truncated.
enum class PixelScale { kNone, kWidth, kHeight, kShorter, kWidthTruncated, kHeightTruncated };

// What an op leaves where it uncovers pixels: a hole (alpha 0) or opaque black (torchvision).
enum class Fill { kHole, kBlack };

// One op of a space. `values` holds the value of every level, unscaled and without sign; it is
// empty for an op that ignores its level.
struct SpaceOp {
  std::string op;  // the name of a row of the op table
  bool is_signed = false;
  PixelScale scale = PixelScale::kNone;
  std::vector<double> values = {};  // [levels] or []
  double centre = 0;                // the op gets centre + value, or centre - value when negative
  bool operator==(const SpaceOp&) const = default;
};

struct Space {
  std::string name;  // "pba", "autoaugment", "randaugment", "trivial", "trivial-standard", own
  int levels = 11;   // levels are 0 .. levels-1
  int search_levels = 10;  // a search draws 0 .. search_levels-1 (docs/pba.md#operations: 0..9)
  Fill fill = Fill::kHole;
  std::vector<SpaceOp> ops = {};
  bool operator==(const Space&) const = default;

  // Index of the op, or an Error with the nearest known name.
  int index_of(std::string_view op) const;
  std::vector<std::string> op_names() const;
};

// The value that an op of the space gets at a level for an image of this size; 0 if it ignores its
// level. `scale_pixels` false keeps pixels as they are (paper settings).
double op_value(const SpaceOp& op, int level, bool negative, int width, int height,
                bool scale_pixels = true);
// Whether that level changes no pixel of any image, hole or not.
bool is_identity(const SpaceOp& op, int level);

// The names of the built-in spaces.
std::vector<std::string> space_names();
// A built-in space by name; UsageError with the nearest name otherwise. "trivial:0.5" (any built-in
// name, a colon, a number 0..1) is that space with its ranges scaled by a strength.
Space space_by_name(std::string_view name);
// A built-in name, or the path of a TOML file (docs/formats/space.md).
Space load_space(const std::string& name_or_path);
// A space from the text of such a file.
Space space_from_toml(std::string_view text, const std::string& origin);
// The same space without the ops that cannot change a grey image; their names go to `left_out`.
// An op that changes nothing at all stays: how often nothing is done is part of a space.
Space space_for_grey(const Space& space, std::vector<std::string>* left_out);

// Throws Error (starting with `origin`) for unknown ops, NaN, values that an op does not accept,
// lists of values of the wrong length, no op or more than 256, an op twice.
void check_space(const Space& space, const std::string& origin);

// As it stands in a schedule file and in the worker protocol; reading checks.
Json space_to_json(const Space& space);
Space space_from_json(const Json& json, const std::string& origin);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_SPACE_H_

// The op table: an operation is one row, and one file (popaug/augment/ops/).
#ifndef POPAUG_AUGMENT_OP_H_
#define POPAUG_AUGMENT_OP_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/augment/place.h"
#include "popaug/augment/space.h"
#include "popaug/base/base.h"
#include "popaug/image/image.h"

namespace popaug {

// What an op gets besides the image and its value.
struct OpContext {
  Random* random = nullptr;  // draws inside an op (Cutout's centre) come from here, never elsewhere
  bool hole_fill = true;  // uncovered pixels: holes (alpha 0, black underneath), else opaque black
  bool grey = false;      // the image is grey and must stay so: Cutout writes a grey underneath
};

// Applies an op in place. `value` is the level's value with its sign, already scaled to the image.
using OpFunction = std::function<void(Image& image, double value, OpContext& context)>;

// What an op changes, which a search may scale as a group (strength.h).
enum class OpGroup {
  kOther,     // neither of these
  kGeometry,  // where pixels are
  kColour,    // brightness, contrast and saturation
  kTone,      // the table of tones, and sharpness
};

std::string group_name(OpGroup group);  // "other", "geometry", "colour", "tone"

// What an op does to holes.
enum class HoleEffect {
  kUnknown,   // it may make holes, or leave some
  kKeeps,     // it makes no hole where there was none
  kUncovers,  // it moves pixels: the uncovered ones become holes, or black where the space says so
  kFills,     // it goes through RGB: a hole becomes the colour that lay underneath
};

// The values of an op at the levels of a space: a SpaceOp without the name of the op.
struct LevelTable {
  bool is_signed = false;
  PixelScale scale = PixelScale::kNone;
  std::vector<double> values = {};  // a value per level; empty for an op that ignores its level
  double centre = 0;
};

// The fast twin of a built-in op, private to the engine (popaug/augment/internal/prepared_op.h).
// `prepare` works out what depends on the value and on the image's size alone, once per Augmenter;
// `run` then changes one image.
class PreparedOp;
class Workspace;
struct Kernels;
using PrepareFunction = void (*)(PreparedOp& op, double value, int width, int height);
using RunFunction = void (*)(const PreparedOp& op, const Kernels& kernels, Workspace& work,
                             OpContext& context);

struct OpRow {
  std::string name;     // "Rotate"
  std::string summary;  // one line for tables and documents
  std::string unit;     // "degrees", "px", "factor", "bits", "threshold", "" when ignored
  OpGroup group = OpGroup::kOther;
  bool uses_value = true;     // false: the level is ignored
  bool mirrors = false;       // a negative value is meaningful (signed in the pba space)
  bool draws = false;         // uses OpContext::random
  bool changes_grey = true;   // false: cannot change an image whose channels are equal
  double low = 0, high = 0;   // the values that the op accepts, sign included
  bool has_identity = false;  // `identity` is the value that changes no pixel, hole or not; without
                              // uses_value: the op changes no pixel at all
  double identity = 0;
  HoleEffect holes = HoleEffect::kUnknown;
  // The levels of the op in the built-in spaces; none: it is not part of them.
  std::optional<LevelTable> paper = {};        // pba, pba-full and autoaugment: 11 levels
  std::optional<LevelTable> randaugment = {};  // randaugment and trivial-standard: 31 bins
  std::optional<LevelTable> trivial = {};      // trivial: 31 bins
  // The specification: equal to Pillow 12.3.0 (docs/architecture.md#exactness).
  OpFunction plain = nullptr;
  PrepareFunction prepare = nullptr;  // both null: the engine runs `plain`
  RunFunction run = nullptr;
  MoveFunction move = nullptr;  // null: moves no pixel, or nobody knows it (an op of the user's)
  std::string origin = "built-in";  // or the plugin's file
};

// The rows known to this process: built-in ops in the order of docs/pba.md#operations (then the
// extra ops), then registered ones. Valid until the next register_op().
const std::vector<OpRow>& op_rows();
// nullptr if unknown.
const OpRow* find_op(std::string_view name);
// Adds a row of the user's own; Error if the name is taken or the row contradicts itself. The row's
// `prepare` and `run` are ignored: kernels belong to built-in ops. Not thread safe: call before any
// Augmenter is made.
void register_op(OpRow row);
// All or none of several rows.
void register_ops(std::vector<OpRow> rows);
// The sentence for an op that nobody knows, with the nearest name.
std::string unknown_op(std::string_view name);

// Applies the plain twin of one op by name; the value carries its sign. Error for an unknown op, a
// value that the op does not accept, or an empty image.
void apply_op(Image& image, std::string_view op, double value, OpContext& context);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_OP_H_

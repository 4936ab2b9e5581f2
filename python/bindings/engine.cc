// Engine: a schedule ready to augment batches. Arrays are used where they lie.
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <deque>
#include <memory>
#include <mutex>
#include <numeric>
#include <type_traits>

#include "popaug/augment/augment.h"
#include "popaug/schedule/schedule.h"
#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

// [images, height, width, channels], each image without gaps.
using ByteImages = nb::ndarray<const uint8_t, nb::ndim<4>, nb::device::cpu>;
using BytesOut = nb::ndarray<uint8_t, nb::ndim<4>, nb::device::cpu>;
// Any strides: NHWC and NCHW are the same call. Number: float, or uint16_t for the bits of a
// bfloat16, which NumPy does not know.
template <typename Number>
using NumbersOut = nb::ndarray<Number, nb::ndim<4>, nb::device::cpu>;
// The number of each image in its data set.
using Samples = nb::ndarray<const uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

struct Key {
  uint64_t seed;
  uint32_t stream, epoch;
  SampleKey of(uint64_t sample) const { return {seed, stream, epoch, sample}; }
};

struct Shape {
  int width, height, channels;
  bool operator==(const Shape&) const = default;
};

template <typename Array>
void check_rows(const Array& images) {
  const auto width = static_cast<int64_t>(images.shape(2)),
             channels = static_cast<int64_t>(images.shape(3));
  const bool gaps = (images.shape(3) > 1 && images.stride(3) != 1) ||
                    (images.shape(2) > 1 && images.stride(2) != channels) ||
                    (images.shape(1) > 1 && images.stride(1) != channels * width);
  POPAUG_ASSERT(!gaps);  // the Python side makes images contiguous
}

template <typename Number>
auto batch_of(const NumbersOut<Number>& out) {
  using Batch = std::conditional_t<std::is_same_v<Number, float>, FloatBatch, BFloat16Batch>;
  return Batch{out.data(), out.stride(0), out.stride(3), out.stride(1), out.stride(2)};
}

class Engine {
 public:
  Engine(const std::string& schedule, const std::string& name)
      : schedule_(schedule_from_text(schedule, name)) {
    schedule_.name = name;
  }

  template <typename Number>
  void floats(const ByteImages& images, const Samples& samples, const Key& key,
              const NumbersOut<Number>& out, const std::vector<float>& mean,
              const std::vector<float>& std, int threads) {
    check_rows(images);
    const Shape shape = shape_of(images);
    nb::gil_scoped_release free;
    run(images, samples, key, shape, {mean, std}, batch_of(out), threads);
  }

  // Holes become `hole`.
  void bytes(const ByteImages& images, const Samples& samples, const Key& key, const BytesOut& out,
             const std::vector<uint8_t>& hole, int threads) {
    check_rows(images);
    const Shape shape = shape_of(images);
    nb::gil_scoped_release free;
    run(images, samples, key, shape, holes_of(hole),
        popaug::ByteOutput{out.data(), out.stride(0), out.stride(3), out.stride(1), out.stride(2)},
        threads);
  }

  // What images are mixed with: of each the partner among `count` images of the epoch, by number
  // (its own number where it is not mixed), and its own share.
  std::tuple<std::vector<uint32_t>, std::vector<float>> partners(const Key& key,
                                                                 const Samples& samples,
                                                                 const std::vector<uint32_t>& own,
                                                                 uint32_t count, int width,
                                                                 int height) const {
    std::vector<uint32_t> epoch(count);
    std::iota(epoch.begin(), epoch.end(), 0u);
    const size_t segment = schedule_.segment_of(static_cast<int>(key.epoch));
    check_partners(schedule_.base_of(segment), epoch);
    const BaseTransforms base = scaled_base(schedule_.base_of(segment), width, height);
    std::vector<uint32_t> partners = own;
    std::vector<float> shares;
    for (size_t i = 0; i < own.size(); ++i) {
      Random random = stream_of(key.of(samples.data()[i]), Purpose::kBaseTransform);
      draw_base(base, width, height, random);
      const MixDraw mix = draw_mix(base, width, height, random);
      if (mix.kind != MixKind::kNone) partners[i] = draw_partner(epoch, own[i], random);
      shares.push_back(static_cast<float>(mix.share));
    }
    return {partners, shares};
  }

  // As floats() and bytes(), for images that are mixed: image i with row places[i] of `others`,
  // whose numbers are `other_samples`, or with nothing where that is negative.
  template <typename Number>
  void mixed_floats(const ByteImages& images, const Samples& samples, const ByteImages& others,
                    const Samples& other_samples, const std::vector<int64_t>& places,
                    const Key& key, const NumbersOut<Number>& out, const std::vector<float>& mean,
                    const std::vector<float>& std, int threads) {
    const auto pairs = pairs_of(images, samples, others, other_samples, places);
    const Shape shape = shape_of(images);
    nb::gil_scoped_release free;
    std::shared_lock table(op_table_mutex());
    plan_for(key.epoch, shape, {mean, std})->run(pairs, key.of(0), batch_of(out), threads);
  }
  void mixed_bytes(const ByteImages& images, const Samples& samples, const ByteImages& others,
                   const Samples& other_samples, const std::vector<int64_t>& places, const Key& key,
                   const BytesOut& out, const std::vector<uint8_t>& hole, int threads) {
    const auto pairs = pairs_of(images, samples, others, other_samples, places);
    const Shape shape = shape_of(images);
    nb::gil_scoped_release free;
    std::shared_lock table(op_table_mutex());
    plan_for(key.epoch, shape, holes_of(hole))
        ->run(pairs, key.of(0),
              popaug::ByteOutput{out.data(), out.stride(0), out.stride(3), out.stride(1),
                                 out.stride(2)},
              threads);
  }

  // The ops drawn for one image: (name, level, negative).
  std::vector<std::tuple<std::string, int, bool>> draws(const Key& key, uint64_t sample) const {
    std::vector<std::tuple<std::string, int, bool>> result;
    const Policy& policy = schedule_.at(static_cast<int>(key.epoch));
    const Space& space = schedule_.space;  // a segment's own differs in values alone
    for (const Draw& draw : draw_ops(space, schedule_.rule, policy, key.of(sample))) {
      result.emplace_back(space.ops[draw.op].op, draw.level, draw.negative);
    }
    return result;
  }

 private:
  struct Cached {
    uint64_t generation;
    size_t segment;
    Shape shape;
    Normalisation normalisation;
    std::shared_ptr<const Augmenter> plan;
  };

  // A normalisation under which the mean colour, which bytes show in holes, is this one.
  static Normalisation holes_of(const std::vector<uint8_t>& hole) {
    Normalisation holes;
    for (const uint8_t colour : hole) holes.mean.push_back(static_cast<float>(colour) / 255.0f);
    holes.std.assign(hole.size(), 1.0f);
    return holes;
  }

  static std::vector<ImagePair> pairs_of(const ByteImages& images, const Samples& samples,
                                         const ByteImages& others, const Samples& other_samples,
                                         const std::vector<int64_t>& places) {
    check_rows(images);
    check_rows(others);
    POPAUG_ASSERT(places.size() == images.shape(0) && samples.shape(0) == images.shape(0));
    std::vector<ImagePair> pairs;
    for (size_t i = 0; i < places.size(); ++i) {
      pairs.push_back(
          {images.data() + static_cast<int64_t>(i) * images.stride(0), samples.data()[i]});
      if (places[i] < 0) continue;
      POPAUG_ASSERT(static_cast<size_t>(places[i]) < others.shape(0));
      pairs.back().partner = others.data() + places[i] * others.stride(0);
      pairs.back().partner_sample = other_samples.data()[places[i]];
    }
    return pairs;
  }

  static Shape shape_of(const ByteImages& images) {
    return {static_cast<int>(images.shape(2)), static_cast<int>(images.shape(1)),
            static_cast<int>(images.shape(3))};
  }
  template <typename Output>
  void run(const ByteImages& images, const Samples& samples, const Key& key, const Shape& shape,
           const Normalisation& normalisation, const Output& out, int threads) {
    std::shared_lock table(op_table_mutex());
    const auto plan = plan_for(key.epoch, shape, normalisation);
    const size_t count = images.shape(0);
    const ByteBatch batch{images.data(), shape.width, shape.height, shape.channels,
                          static_cast<size_t>(images.stride(0))};
    if (count > 0 && consecutive(samples)) {
      std::vector<uint32_t> indices(count);
      std::iota(indices.begin(), indices.end(), 0u);
      plan->run(batch, indices, key.of(samples.data()[0]), out, threads);
      return;
    }
    const uint32_t first[1] = {0};
    parallel_for(count, threads, [&](size_t i) {
      ByteBatch one = batch;
      one.data += i * batch.stride;
      Output place = out;
      place.data += static_cast<ptrdiff_t>(i) * out.sn;
      plan->run(one, first, key.of(samples.data()[i]), place, 1);
    });
  }

  static bool consecutive(const Samples& samples) {
    for (size_t i = 1; i < samples.shape(0); ++i) {
      if (samples.data()[i] != samples.data()[i - 1] + 1) return false;
    }
    return true;
  }

  // Plans are kept for the last few shapes and segments: a loader's workers walk through epochs.
  std::shared_ptr<const Augmenter> plan_for(uint32_t epoch, const Shape& shape,
                                            const Normalisation& normalisation) {
    const size_t segment = schedule_.segment_of(static_cast<int>(epoch));
    const uint64_t generation = op_table_generation();
    std::lock_guard lock(mutex_);
    for (const Cached& entry : cache_) {
      if (entry.generation == generation && entry.segment == segment && entry.shape == shape &&
          entry.normalisation.mean == normalisation.mean &&
          entry.normalisation.std == normalisation.std) {
        return entry.plan;
      }
    }
    const std::shared_ptr<const Augmenter> plan = make_augmenter(
        schedule_, segment, normalisation, shape.width, shape.height, shape.channels);
    cache_.push_front({generation, segment, shape, normalisation, plan});
    if (cache_.size() > 16) cache_.pop_back();
    return plan;
  }

  Schedule schedule_;
  std::mutex mutex_;
  std::deque<Cached> cache_;
};

// floats() and mixed_floats() for one type of number.
template <typename Number>
void bind_numbers(nb::class_<Engine>& engine_class) {
  engine_class
      .def(
          "floats",
          [](Engine& engine, const ByteImages& images, const Samples& samples, uint64_t seed,
             uint32_t stream, uint32_t epoch, const NumbersOut<Number>& out,
             const std::vector<float>& mean, const std::vector<float>& std, int threads) {
            engine.floats(images, samples, {seed, stream, epoch}, out, mean, std, threads);
          },
          nb::arg("images").noconvert(), nb::arg("samples").noconvert(), nb::arg("seed"),
          nb::arg("stream"), nb::arg("epoch"), nb::arg("out").noconvert(), nb::arg("mean"),
          nb::arg("std"), nb::arg("threads"))
      .def(
          "mixed_floats",
          [](Engine& engine, const ByteImages& images, const Samples& samples,
             const ByteImages& others, const Samples& other_samples,
             const std::vector<int64_t>& places, uint64_t seed, uint32_t stream, uint32_t epoch,
             const NumbersOut<Number>& out, const std::vector<float>& mean,
             const std::vector<float>& std, int threads) {
            engine.mixed_floats(images, samples, others, other_samples, places,
                                {seed, stream, epoch}, out, mean, std, threads);
          },
          nb::arg("images").noconvert(), nb::arg("samples").noconvert(),
          nb::arg("others").noconvert(), nb::arg("other_samples").noconvert(), nb::arg("places"),
          nb::arg("seed"), nb::arg("stream"), nb::arg("epoch"), nb::arg("out").noconvert(),
          nb::arg("mean"), nb::arg("std"), nb::arg("threads"));
}

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<Engine> engine_class(m, "Engine");
  bind_numbers<float>(engine_class);
  bind_numbers<uint16_t>(engine_class);
  engine_class
      .def(nb::init<const std::string&, const std::string&>(), nb::arg("schedule"), nb::arg("name"))
      .def(
          "bytes",
          [](Engine& engine, const ByteImages& images, const Samples& samples, uint64_t seed,
             uint32_t stream, uint32_t epoch, const BytesOut& out, const std::vector<uint8_t>& hole,
             int threads) {
            engine.bytes(images, samples, {seed, stream, epoch}, out, hole, threads);
          },
          nb::arg("images").noconvert(), nb::arg("samples").noconvert(), nb::arg("seed"),
          nb::arg("stream"), nb::arg("epoch"), nb::arg("out").noconvert(), nb::arg("hole"),
          nb::arg("threads"))
      .def(
          "partners",
          [](const Engine& engine, uint64_t seed, uint32_t stream, uint32_t epoch,
             const Samples& samples, const std::vector<uint32_t>& own, uint32_t count, int width,
             int height) {
            return engine.partners({seed, stream, epoch}, samples, own, count, width, height);
          },
          nb::arg("seed"), nb::arg("stream"), nb::arg("epoch"), nb::arg("samples").noconvert(),
          nb::arg("own"), nb::arg("count"), nb::arg("width"), nb::arg("height"))
      .def(
          "mixed_bytes",
          [](Engine& engine, const ByteImages& images, const Samples& samples,
             const ByteImages& others, const Samples& other_samples,
             const std::vector<int64_t>& places, uint64_t seed, uint32_t stream, uint32_t epoch,
             const BytesOut& out, const std::vector<uint8_t>& hole, int threads) {
            engine.mixed_bytes(images, samples, others, other_samples, places,
                               {seed, stream, epoch}, out, hole, threads);
          },
          nb::arg("images").noconvert(), nb::arg("samples").noconvert(),
          nb::arg("others").noconvert(), nb::arg("other_samples").noconvert(), nb::arg("places"),
          nb::arg("seed"), nb::arg("stream"), nb::arg("epoch"), nb::arg("out").noconvert(),
          nb::arg("hole"), nb::arg("threads"))
      .def(
          "draws",
          [](const Engine& engine, uint64_t seed, uint32_t stream, uint32_t epoch,
             uint64_t sample) {
            return engine.draws({seed, stream, epoch}, sample);
          },
          nb::arg("seed"), nb::arg("stream"), nb::arg("epoch"), nb::arg("sample"));
}

}  // namespace popaug::python

// Where a schedule moves the pixels of an image (popaug/augment/movement.h).
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <optional>

#include "popaug/augment/augment.h"
#include "popaug/schedule/schedule.h"
#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

// Not thread safe.
class Geometry {
 public:
  Geometry(const std::string& schedule, const std::string& name)
      : schedule_(schedule_from_text(schedule, name)) {}

  Movement draw(const SampleKey& key, int width, int height) {
    const size_t segment = schedule_.segment_of(static_cast<int>(key.epoch));
    if (!sampler_ || segment != segment_) {
      sampler_.emplace(schedule_.space_of(segment), schedule_.rule, schedule_.base_of(segment));
      segment_ = segment;
    }
    return sampler_->draw(schedule_.segments[segment].policy, key, width, height);
  }

 private:
  Schedule schedule_;
  std::optional<MovementSampler> sampler_;  // of the segment asked for last
  size_t segment_ = 0;
};

using Places = nb::ndarray<nb::numpy, int32_t, nb::ndim<2>>;

Places places_of(const Movement& movement, int width, int height) {
  const std::vector<int32_t>& sources = movement.sources();
  auto places = std::make_unique<int32_t[]>(sources.size());
  std::copy(sources.begin(), sources.end(), places.get());
  int32_t* data = places.get();
  nb::capsule owner(places.release(), [](void* p) noexcept { delete[] static_cast<int32_t*>(p); });
  return Places(data, {static_cast<size_t>(height), static_cast<size_t>(width)}, owner);
}

}  // namespace

void bind_geometry(nb::module_& m) {
  nb::class_<Geometry>(m, "Geometry")
      .def(nb::init<const std::string&, const std::string&>(), nb::arg("schedule"), nb::arg("name"))
      .def(
          "movement",
          [](Geometry& geometry, uint64_t seed, uint32_t stream, uint32_t epoch, uint64_t sample,
             int width, int height) {
            std::shared_lock table(op_table_mutex());
            const Movement movement = geometry.draw({seed, stream, epoch, sample}, width, height);
            return nb::make_tuple(places_of(movement, width, height), movement.matrix());
          },
          nb::arg("seed"), nb::arg("stream"), nb::arg("epoch"), nb::arg("sample"), nb::arg("width"),
          nb::arg("height"));
}

}  // namespace popaug::python

// Image sets: read as arrays, and packed from arrays. The Python side (popaug/data.py) says what an
// item of a data set is.
#include "popaug/data/data.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstring>

#include "popaug/experiment/experiment.h"
#include "python/bindings/bindings.h"
#include "python/bindings/reading.h"
#include "python/bindings/watched.h"

namespace nb = nanobind;

namespace popaug::python {

ReadOptions reading_options(const std::string& text) {
  const Json json = parse_json(text, "options");
  JsonReader reader(json, "options");
  ReadOptions options;
  const std::string size = reader.text_or("size", "");
  if (!size.empty()) {
    const Size asked = parse_size(size);
    options.width = asked.width;
    options.height = asked.height;
  }
  const std::string fit = reader.text_or("fit", "");
  check_fit(fit, size);
  options.fit = parse_fit(fit);
  parse_range(reader.text_or("range", ""), options);
  options.rules.background = parse_background(reader.text_or("background", ""));
  options.keep_going = reader.boolean_or("keep_going", false);
  options.allow_outside = reader.boolean_or("allow_outside", false);
  options.image_column = reader.text_or("image_column", "");
  options.label_column = reader.text_or("label_column", "");
  options.memory_limit = static_cast<uint64_t>(reader.number_or("memory_gib", 0, 1e6, 8) *
                                               static_cast<double>(uint64_t{1} << 30));
  reader.finish();
  return options;
}

namespace {

using Pixels = nb::ndarray<nb::numpy, uint8_t, nb::ndim<3>>;
using PixelsIn = nb::ndarray<const uint8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using SetPixels = nb::ndarray<nb::numpy, const uint8_t, nb::ndim<4>>;
using SetPixelsIn = nb::ndarray<const uint8_t, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Labels = nb::ndarray<nb::numpy, const uint32_t, nb::ndim<1>>;
using LabelsIn = nb::ndarray<const uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

Pixels pixels_of(const Image& image, int channels) {
  const size_t count = size_t{1} * image.width() * image.height();
  auto* const values = new uint8_t[count * channels];
  const nb::capsule owner(values, [](void* p) noexcept { delete[] static_cast<uint8_t*>(p); });
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(values + i * channels, image.data() + 4 * i, static_cast<size_t>(channels));
  }
  const size_t shape[] = {static_cast<size_t>(image.height()), static_cast<size_t>(image.width()),
                          static_cast<size_t>(channels)};
  return Pixels(values, 3, shape, owner);
}

Image image_of(const PixelsIn& pixels) {
  Image image(static_cast<int>(pixels.shape(1)), static_cast<int>(pixels.shape(0)));
  const size_t channels = pixels.shape(2), count = pixels.shape(0) * pixels.shape(1);
  for (size_t i = 0; i < count; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      image.data()[4 * i + c] = pixels.data()[i * channels + (channels == 1 ? 0 : c)];
    }
  }
  return image;
}

// An image file's bytes as [height, width, 1 or 3], and what decoding did.
std::tuple<Pixels, std::vector<std::string>> decode_pixels(nb::bytes bytes,
                                                           const std::string& origin,
                                                           const std::string& options) {
  const ReadOptions rules = reading_options(options);
  const std::string_view view(static_cast<const char*>(bytes.data()), bytes.size());
  DecodeInfo info;
  Image image;
  {
    nb::gil_scoped_release free;
    image = decode_image(view, origin, &info, {}, rules.rules);
  }
  return {pixels_of(image, info.grey ? 1 : 3), info.notes};
}

Pixels resize_pixels(const PixelsIn& pixels, int width, int height) {
  const Image image = image_of(pixels);
  return pixels_of(resize(image, width, height), static_cast<int>(pixels.shape(2)));
}

// A set that was read; what Python sees of it lives as long as it does.
struct OpenSet {
  Dataset data;
  const ImageSet& split(size_t i) const { return data.splits.at(i); }
};

OpenSet open_set(const std::string& path, const std::string& options) {
  const ReadOptions read = reading_options(options);
  nb::gil_scoped_release free;
  return {read_dataset(path, read)};
}

std::string about_set(const OpenSet& set) {
  Json splits = Json::array();
  for (const ImageSet& split : set.data.splits) {
    splits.push_back({{"name", split.name}, {"groups", split.groups}});
  }
  return json_line({{"path", set.data.path},
                    {"kind", set.data.kind},
                    {"classes", set.data.classes},
                    {"notes", set.data.notes},
                    {"left_out", set.data.left_out},
                    {"fingerprint", fingerprint(set.data)},
                    {"splits", splits}});
}

using NamedArrays = std::vector<std::tuple<std::string, SetPixelsIn, LabelsIn>>;

std::string pack(const NamedArrays& arrays, const std::vector<std::string>& names, bool keep_order,
                 const std::vector<std::string>& notes, const std::vector<std::string>& left_out,
                 const std::string& out, const std::string& options) {
  const ReadOptions read = reading_options(options);
  std::vector<ImageSet> splits;
  for (const auto& [name, pixels, labels] : arrays) {
    ImageSet split;
    split.name = name;
    split.height = static_cast<int>(pixels.shape(1));
    split.width = static_cast<int>(pixels.shape(2));
    split.channels = static_cast<int>(pixels.shape(3));
    split.pixels = {pixels.data(), pixels.size()};
    split.labels.assign(labels.data(), labels.data() + labels.size());
    splits.push_back(std::move(split));
  }
  const MainThreadStop stop;
  nb::gil_scoped_release free;
  Dataset data = dataset_of_arrays(std::move(splits), names, keep_order);
  data.notes = notes;
  data.left_out = left_out;
  const PackReport report = pack_arrays(data, out, read, silent_progress(), stop.token());
  return json_line({{"images", report.images},
                    {"bytes", report.bytes},
                    {"notes", report.notes},
                    {"left_out", report.left_out}});
}

std::string pack_path(const std::string& path, const std::string& out, const std::string& options) {
  const ReadOptions read = reading_options(options);
  const MainThreadStop stop;
  nb::gil_scoped_release free;
  const PackReport report = pack_dataset(path, out, read, silent_progress(), stop.token());
  return json_line({{"images", report.images},
                    {"bytes", report.bytes},
                    {"notes", report.notes},
                    {"left_out", report.left_out}});
}

}  // namespace

void bind_data(nb::module_& m) {
  m.def("decode_pixels", &decode_pixels, nb::arg("bytes"), nb::arg("origin"), nb::arg("options"));
  m.def("resize_pixels", &resize_pixels, nb::arg("pixels"), nb::arg("width"), nb::arg("height"));
  m.def("parse_size", [](const std::string& text) {
    const Size size = parse_size(text);
    return std::make_tuple(size.width, size.height);
  });
  m.def("parse_range", [](const std::string& text) {
    ReadOptions options;
    parse_range(text, options);
    return std::make_tuple(options.rules.low, options.rules.high);
  });
  m.def("parse_background", [](const std::string& text) {
    const auto [red, green, blue] = parse_background(text);
    return std::make_tuple(int{red}, int{green}, int{blue});
  });
  m.def("usual_split", [](const std::string& name) { return usual_split(name); });
  m.def("pack_arrays", &pack, nb::arg("arrays"), nb::arg("names"), nb::arg("keep_order"),
        nb::arg("notes"), nb::arg("left_out"), nb::arg("out"), nb::arg("options"));
  m.def("pack_path", &pack_path, nb::arg("path"), nb::arg("out"), nb::arg("options"));
  nb::class_<OpenSet>(m, "OpenSet")
      .def_static("open", &open_set)
      .def("about", &about_set)
      .def("images",
           [](nb::object self, size_t i) {
             const ImageSet& split = nb::cast<const OpenSet&>(self).split(i);
             const size_t shape[] = {split.count(), static_cast<size_t>(split.height),
                                     static_cast<size_t>(split.width),
                                     static_cast<size_t>(split.channels)};
             return SetPixels(split.pixels.data(), 4, shape, self);
           })
      .def("labels", [](nb::object self, size_t i) {
        const ImageSet& split = nb::cast<const OpenSet&>(self).split(i);
        const size_t shape[] = {split.count()};
        return Labels(split.labels.data(), 1, shape, self);
      });
}

}  // namespace popaug::python

// BatchLoader: batches of a data set that threads make ahead of Python's loop.
#include "popaug/loader/loader.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <memory>
#include <shared_mutex>

#include "popaug/data/opened.h"
#include "popaug/schedule/schedule.h"
#include "python/bindings/bindings.h"
#include "python/bindings/reading.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

using ImagesIn = nb::ndarray<const uint8_t, nb::ndim<4>, nb::device::cpu>;
using Labels = nb::ndarray<nb::numpy, uint32_t, nb::ndim<1>>;
using Numbers = nb::ndarray<nb::numpy, int64_t, nb::ndim<1>>;
using Shares = nb::ndarray<nb::numpy, float, nb::ndim<1>>;
using Block = nb::ndarray<nb::numpy, uint8_t, nb::ndim<1>>;

template <typename Array, typename T>
Array array_of(std::vector<T> values) {
  auto* const kept = new std::vector<T>(std::move(values));
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  const size_t shape[] = {kept->size()};
  return Array(kept->data(), 1, shape, owner);
}

// A set whose files are not decoded yet.
struct OpenFiles {
  OpenedDataset data;
  const OpenedSplit& split(size_t i) const { return data.splits.at(i); }
};

OpenFiles open_files(const std::string& path, const std::string& options) {
  const ReadOptions read = reading_options(options);
  nb::gil_scoped_release free;
  return {open_dataset(path, read)};
}

std::string about_files(const OpenFiles& set) {
  Json splits = Json::array();
  for (const OpenedSplit& split : set.data.splits) {
    const ImageSet& images = split.images;
    Json about = {{"name", images.name},
                  {"files", !split.files.empty()},
                  {"height", images.height},
                  {"width", images.width}};
    splits.push_back(std::move(about));
  }
  return json_line({{"path", set.data.path},
                    {"kind", set.data.kind},
                    {"classes", set.data.classes},
                    {"splits", splits},
                    {"notes", set.data.notes},
                    {"left_out", set.data.left_out}});
}

ImageSource source_of_files(const OpenFiles& set, size_t split, const Json& json) {
  JsonReader reader(json, "reading");
  const Size size = parse_size(reader.text("size"));
  ImageSource source;
  source.width = size.width;
  source.height = size.height;
  source.fit = parse_fit(reader.text_or("fit", ""));
  source.scaled_decoding = reader.boolean_or("scaled_decoding", false);
  reader.finish();
  source.rules = set.data.rules;
  source.files = set.split(split).files;
  source.count = static_cast<uint32_t>(source.files.size());
  return source;
}

ImageSource source_of_arrays(const ImagesIn& images) {
  ImageSource source;
  source.count = static_cast<uint32_t>(images.shape(0));
  source.height = static_cast<int>(images.shape(1));
  source.width = static_cast<int>(images.shape(2));
  source.channels = static_cast<int>(images.shape(3));
  source.pixels = images.data();
  source.stride = static_cast<size_t>(images.stride(0));
  // The array is let go where no thread needs it, with the interpreter's lock held.
  source.storage = std::shared_ptr<const void>(new ImagesIn(images), [](const void* array) {
    if (Py_IsInitialized() == 0) return;
    const nb::gil_scoped_acquire hold;
    delete static_cast<const ImagesIn*>(array);
  });
  return source;
}

BatchType type_of(const std::string& output) {
  if (output == "float32") return BatchType::kFloat32;
  if (output == "bfloat16") return BatchType::kBFloat16;
  POPAUG_ASSERT(output == "uint8");  // Python checks the user's
  return BatchType::kBytes;
}

BatchForm form_of(JsonReader& reader, int channels) {
  BatchForm form;
  form.type = type_of(reader.text("output"));
  form.channels_last = reader.boolean("channels_last");
  const auto numbers = [&](const char* key) {
    std::vector<float> values;
    for (const Json& value : reader.array(key)) {
      values.push_back(static_cast<float>(value.get<double>()));
    }
    POPAUG_ASSERT(static_cast<int>(values.size()) == channels);  // Python checks the user's
    return values;
  };
  form.normalisation = {numbers("mean"), numbers("std")};
  if (form.type == BatchType::kBytes) {  // "mean" is the colour of holes as bytes
    for (float& mean : form.normalisation.mean) mean /= 255.0f;
  }
  return form;
}

Shard shard_of(JsonReader& reader) {
  constexpr int64_t kMost = int64_t{1} << 31;
  Shard shard;
  shard.rank = static_cast<uint32_t>(reader.integer("rank", 0, kMost));
  shard.world = static_cast<uint32_t>(reader.integer("world", 1, kMost));
  shard.batch = static_cast<uint32_t>(reader.integer("batch", 1, kMost));
  shard.shuffle = reader.boolean("shuffle");
  shard.drop_last = reader.boolean("drop_last");
  return shard;
}

struct Loading {
  std::shared_ptr<const BatchMaker> maker;
  Shard shard;
  int threads = 1;
};

// One pass over the data: the batches of an epoch from one of them on.
class BatchRun {
 public:
  BatchRun(Loading loading, const SampleKey& key, size_t first)
      : loading_(std::move(loading)),
        key_(key),
        process_(::getpid()),
        submitted_(first),
        taken_(first) {
    const Shard& shard = loading_.shard;
    nb::gil_scoped_release free;
    order_ = shard_order(loading_.maker->source().count, shard, key.seed, key.stream, key.epoch);
    batches_ = shard_batches(loading_.maker->source().count, shard);
    POPAUG_ASSERT(first <= batches_);  // Python checks it
    pending_.resize(batches_);
    const ImageSource& source = loading_.maker->source();
    // Few images that are large or must be decoded; many small ones, whose draws are made together.
    const size_t grain = source.in_files() || source.image_bytes() > (1 << 15) ? 4 : 32;
    prefetcher_ = std::make_unique<Prefetcher>(
        loading_.threads, grain,
        [this](size_t batch, size_t begin, size_t end) { make(batch, begin, end); });
  }

  ~BatchRun() { stop(); }
  BatchRun(const BatchRun&) = delete;
  BatchRun& operator=(const BatchRun&) = delete;

  size_t left() const { return batches_ - submitted_; }

  // Asks for the next batch, into memory that `owner` keeps alive.
  void submit(nb::object owner, uintptr_t address) {
    check_process();
    const size_t count = count_of(submitted_);
    pending_[submitted_] = std::make_unique<Pending>(Pending{
        std::move(owner), reinterpret_cast<std::byte*>(address), std::vector<Mixed>(count)});
    nb::gil_scoped_release free;
    prefetcher_->submit(submitted_++, count);
  }

  // The indices of the oldest batch that was asked for, once it is made; of mixed images their
  // partners and shares too.
  std::tuple<Numbers, Numbers, Shares> take() {
    check_process();
    while (!wait()) {
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
    }
    const std::unique_ptr<Pending> done = std::move(pending_[taken_]);
    const size_t begin = taken_++ * loading_.shard.batch;
    std::vector<int64_t> indices, partners;
    std::vector<float> shares;
    for (size_t i = 0; i < done->mixed.size(); ++i) {
      indices.push_back(order_[begin + i]);
      partners.push_back(done->mixed[i].partner);
      shares.push_back(done->mixed[i].share);
    }
    return {array_of<Numbers>(std::move(indices)), array_of<Numbers>(std::move(partners)),
            array_of<Shares>(std::move(shares))};
  }

  // Ends the threads, and lets the memory of batches go.
  void stop() {
    if (prefetcher_ == nullptr) return;
    if (::getpid() != process_) {  // a fork has none of the threads, so nobody can join them
      (void)prefetcher_.release();
      return;
    }
    {
      nb::gil_scoped_release free;
      prefetcher_->stop();
    }
    prefetcher_.reset();
    pending_.clear();
  }

 private:
  struct Pending {
    nb::object owner;
    std::byte* out;
    std::vector<Mixed> mixed;
  };

  bool wait() {
    nb::gil_scoped_release free;
    return prefetcher_->take(std::chrono::milliseconds(50));
  }

  void check_process() const {
    if (::getpid() == process_ && prefetcher_ != nullptr) return;
    throw UsageError(prefetcher_ == nullptr
                         ? "these batches were ended: begin the next epoch by a new loop"
                         : "a Loader whose loop began in another process has no threads here; make "
                           "a Loader in each process");
  }

  size_t count_of(size_t batch) const {
    const size_t most = loading_.shard.batch;
    return std::min(most, order_.size() - batch * most);
  }

  void make(size_t batch, size_t begin, size_t end) {
    const size_t at = batch * loading_.shard.batch + begin;
    const std::span<const uint32_t> indices(order_.data() + at, end - begin);
    Pending& pending = *pending_[batch];
    const std::shared_lock table(op_table_mutex());
    loading_.maker->make(indices, key_, begin, pending.out, pending.mixed.data() + begin,
                         op_table_generation());
  }

  Loading loading_;
  SampleKey key_;
  pid_t process_;
  size_t submitted_, taken_;  // batches
  std::vector<uint32_t> order_;
  size_t batches_ = 0;
  std::vector<std::unique_ptr<Pending>> pending_;  // of every batch; null before and afterwards
  std::unique_ptr<Prefetcher> prefetcher_;
};

class BatchLoader {
 public:
  BatchLoader(const std::string& schedule, const std::string& name, ImageSource source,
              const std::string& options) {
    Schedule value = schedule_from_text(schedule, name);
    value.name = name;
    const Json json = parse_json(options, "options");
    JsonReader reader(json, "options");
    BatchForm form = form_of(reader, source.channels);
    loading_.shard = shard_of(reader);
    loading_.threads = static_cast<int>(reader.integer("threads", 1, 1 << 16));
    const int64_t prefetch = reader.integer("prefetch", 1, 1 << 16);
    reader.finish();
    loading_.maker =
        std::make_shared<BatchMaker>(std::move(value), std::move(source), std::move(form));
    const size_t most = std::min<size_t>(loading_.shard.batch, images());
    block_bytes_ = most * loading_.maker->image_bytes();
    // Beside the batches that are made ahead, the one that the loop uses and the next.
    pool_ = std::make_unique<MemoryPool>(block_bytes_, static_cast<size_t>(prefetch) + 2);
  }

  // Of this process, in an epoch.
  uint64_t images() const { return shard_images(loading_.maker->source().count, loading_.shard); }
  uint64_t batches() const { return shard_batches(loading_.maker->source().count, loading_.shard); }

  std::unique_ptr<BatchRun> run(uint64_t seed, uint32_t stream, uint32_t epoch,
                                size_t first) const {
    return std::make_unique<BatchRun>(loading_, SampleKey{seed, stream, epoch, 0}, first);
  }

  // Memory for a whole batch. It is used again when the last array or tensor over it is gone.
  Block memory() {
    auto* const block = new std::shared_ptr<std::byte>(pool_->take());
    const nb::capsule owner(
        block, [](void* p) noexcept { delete static_cast<std::shared_ptr<std::byte>*>(p); });
    const size_t shape[] = {block_bytes_};
    return Block(reinterpret_cast<uint8_t*>(block->get()), 1, shape, owner);
  }

 private:
  Loading loading_;
  std::unique_ptr<MemoryPool> pool_;
  size_t block_bytes_ = 0;
};

}  // namespace

void bind_loader(nb::module_& m) {
  nb::class_<OpenFiles>(m, "OpenFiles")
      .def_static("open", &open_files)
      .def("about", &about_files)
      .def("labels", [](const OpenFiles& set, size_t split) {
        return array_of<Labels>(set.split(split).images.labels);
      });
  nb::class_<BatchRun>(m, "BatchRun")
      .def("left", &BatchRun::left)
      .def("submit", &BatchRun::submit, nb::arg("owner"), nb::arg("address"))
      .def("take", &BatchRun::take)
      .def("stop", &BatchRun::stop);
  nb::class_<BatchLoader>(m, "BatchLoader")
      .def_static(
          "of_arrays",
          [](const std::string& schedule, const std::string& name, const ImagesIn& images,
             const std::string& options) {
            return std::make_unique<BatchLoader>(schedule, name, source_of_arrays(images), options);
          },
          nb::arg("schedule"), nb::arg("name"), nb::arg("images").noconvert(), nb::arg("options"))
      .def_static(
          "of_files",
          [](const std::string& schedule, const std::string& name, const OpenFiles& set,
             size_t split, const std::string& reading, const std::string& options) {
            const Json json = parse_json(reading, "reading");
            return std::make_unique<BatchLoader>(schedule, name, source_of_files(set, split, json),
                                                 options);
          },
          nb::arg("schedule"), nb::arg("name"), nb::arg("files"), nb::arg("split"),
          nb::arg("reading"), nb::arg("options"))
      .def("images", &BatchLoader::images)
      .def("batches", &BatchLoader::batches)
      .def("run", &BatchLoader::run, nb::arg("seed"), nb::arg("stream"), nb::arg("epoch"),
           nb::arg("first"))
      .def("memory", &BatchLoader::memory);
}

}  // namespace popaug::python

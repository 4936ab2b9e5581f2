#include "popaug/data/internal/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <new>

#include "popaug/base/base.h"

namespace popaug {
namespace {

// Deflate cannot shrink more than this (zlib technical details: 1032:1).
constexpr uint64_t kMaxRatio = 1032;

class Inflater {
 public:
  Inflater(std::string_view bytes, const std::string& origin) : bytes_(bytes), origin_(origin) {
    constexpr int kWindow = 15, kGzipOrZlib = 32;
    if (::inflateInit2(&stream_, kWindow + kGzipOrZlib) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Fills `out` as far as the data goes; the number of bytes written.
  size_t read(char* out, size_t size) {
    constexpr size_t kPiece = size_t{1} << 30;
    size_t written = 0;
    while (written < size && !ended_) {
      const size_t in = std::min(kPiece, bytes_.size());
      const size_t room = std::min(kPiece, size - written);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes_.data()));
      stream_.avail_in = static_cast<uInt>(in);
      stream_.next_out = reinterpret_cast<Bytef*>(out + written);
      stream_.avail_out = static_cast<uInt>(room);
      const int code = ::inflate(&stream_, Z_NO_FLUSH);
      bytes_.remove_prefix(in - stream_.avail_in);
      written += room - stream_.avail_out;
      if (code == Z_STREAM_END) {
        ended_ = true;
      } else if (code == Z_BUF_ERROR || (code == Z_OK && bytes_.empty() && written < size)) {
        throw Error(origin_ + ": the compressed data is cut short");
      } else if (code != Z_OK) {
        throw Error(origin_ + ": the compressed data is broken (" +
                    (stream_.msg != nullptr ? stream_.msg : "zlib") + ")");
      }
    }
    return written;
  }

  // Reads the checksum at the end; there must be no more data.
  void finish() {
    char extra;
    if (!ended_ && read(&extra, 1) != 0) throw Error(origin_ + ": has more data than it declares");
    if (!bytes_.empty()) throw Error(origin_ + ": has stray bytes after its compressed data");
  }

 private:
  std::string_view bytes_;
  std::string origin_;
  z_stream stream_{};
  bool ended_ = false;
};

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1F\x8B"); }

std::string inflate_prefix(std::string_view bytes, size_t size, const std::string& origin) {
  std::string out(size, '\0');
  out.resize(Inflater(bytes, origin).read(out.data(), size));
  return out;
}

source::Memory::Block inflate_exactly(std::string_view bytes, uint64_t size,
                                      const std::string& origin, source::Memory& memory) {
  if (size / kMaxRatio > bytes.size()) {
    throw Error(origin + ": declares " + bytes_text(static_cast<double>(size)) +
                ", more than its " + std::to_string(bytes.size()) + " bytes can hold");
  }
  Inflater inflater(bytes, origin);
  source::Memory::Block out = memory.take(size, origin);
  const size_t got = inflater.read(reinterpret_cast<char*>(out.bytes.data()), size);
  if (got != size) {
    throw Error(origin + ": is cut short: " + std::to_string(got) + " of the " +
                std::to_string(size) + " bytes that it declares");
  }
  inflater.finish();
  return out;
}

}  // namespace popaug

#include "popaug/image/internal/tiff_file.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <new>

namespace popaug::codec {

struct TiffFile::Callbacks {
  static Source& source(void* user) { return *static_cast<Source*>(user); }

  static tmsize_t read(thandle_t handle, void* out, tmsize_t count) {
    Source& from = source(handle);
    if (from.at > from.bytes.size() || count < 0) return 0;
    const std::string_view rest = from.bytes.substr(from.at, static_cast<size_t>(count));
    std::memcpy(out, rest.data(), rest.size());
    from.at += rest.size();
    return static_cast<tmsize_t>(rest.size());
  }
  static tmsize_t write(thandle_t, void*, tmsize_t) { return 0; }
  static toff_t seek(thandle_t handle, toff_t offset, int origin) {
    Source& from = source(handle);
    if (origin == SEEK_CUR) offset += from.at;
    if (origin == SEEK_END) offset += from.bytes.size();
    from.at = offset;
    return offset;
  }
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t handle) { return source(handle).bytes.size(); }

  static int error(TIFF*, void* user, const char*, const char* format, va_list words) {
    Source& about = source(user);
    if (about.trouble[0] == '\0') {
      std::vsnprintf(about.trouble, sizeof about.trouble, format, words);
    }
    return 1;  // said: libtiff need not print it
  }
  static int warning(TIFF* tiff, void* user, const char* module, const char* format,
                     va_list words) {
    return source(user).pixels ? error(tiff, user, module, format, words) : 1;
  }
};

TiffFile::TiffFile(std::string_view bytes, uint64_t most_bytes) : source_{bytes} {
  struct FreeOptions {
    void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
  };
  const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
  if (options == nullptr) throw std::bad_alloc();
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(most_bytes));
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), Callbacks::error, &source_);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), Callbacks::warning, &source_);
  // m: the file is not mapped; c: its strips are left as they are.
  tiff_.reset(TIFFClientOpenExt("", "rmc", &source_, Callbacks::read, Callbacks::write,
                                Callbacks::seek, Callbacks::close, Callbacks::size, nullptr,
                                nullptr, options.get()));
}

void TiffFile::begin_pixels() {
  source_.pixels = true;
  source_.trouble[0] = '\0';
}

}  // namespace popaug::codec

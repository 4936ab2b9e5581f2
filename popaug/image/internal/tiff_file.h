// A TIFF file in memory, opened by libtiff, with what libtiff says about it.
#ifndef POPAUG_IMAGE_INTERNAL_TIFF_FILE_H_
#define POPAUG_IMAGE_INTERNAL_TIFF_FILE_H_

#include <tiffio.h>

#include <cstdint>
#include <memory>
#include <string_view>

namespace popaug::codec {

class TiffFile {
 public:
  // libtiff may allocate up to `most_bytes` at once. handle() is nullptr if it cannot open the
  // bytes, which must outlive this object.
  TiffFile(std::string_view bytes, uint64_t most_bytes);
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  TIFF* handle() const { return tiff_.get(); }
  // From now on warnings count as trouble too: those about pixels mean that pixels were guessed,
  // while those about tags are harmless.
  void begin_pixels();
  // The first error or warning that counts, "" if there was none.
  const char* trouble() const { return source_.trouble; }

 private:
  struct Source {
    std::string_view bytes;
    uint64_t at = 0;
    bool pixels = false;
    char trouble[256] = "";
  };
  struct Callbacks;
  struct Close {
    void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  };

  Source source_;
  std::unique_ptr<TIFF, Close> tiff_;
};

}  // namespace popaug::codec

#endif  // POPAUG_IMAGE_INTERNAL_TIFF_FILE_H_

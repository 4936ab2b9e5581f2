#include "popaug/data/opened.h"

#include "popaug/data/internal/source.h"

namespace popaug {

OpenedDataset open_dataset(const fs::path& path, const ReadOptions& asked, Progress& progress) {
  ReadOptions options = asked;
  options.width = options.height = 0;
  source::Memory memory(options.memory_limit);
  source::Source source = source::open(path, options, memory);
  source::leave_out_unreadable(source, options, progress);
  source::settle_range(source, options, progress);
  OpenedDataset opened;
  opened.path = source.path;
  opened.kind = source.kind;
  opened.classes = source.classes;
  opened.notes = source.notes;
  opened.left_out = source.left_out;
  opened.rules = options.rules;
  if (!source.left_out.empty()) opened.notes.push_back(source::left_out_note(source.left_out));
  for (source::SourceSplit& split : source.splits) {
    opened.splits.push_back({std::move(split.split), std::move(split.files)});
  }
  return opened;
}

}  // namespace popaug

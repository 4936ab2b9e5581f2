// A run for TensorBoard (docs/formats/report.md).
#ifndef POPAUG_REPORT_TENSORBOARD_H_
#define POPAUG_REPORT_TENSORBOARD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "popaug/report/run_view.h"

namespace popaug {

// CRC-32C (Castagnoli), and the form that TFRecord files use: rotated right by 15 bits plus a
// constant.
uint32_t crc32c(std::string_view bytes);
uint32_t masked_crc32c(std::string_view bytes);

// The learning rate of the first step of an epoch, from the settings that a search records of its
// trainer; NaN if they have no rate or a rule that is not known.
double rate_of_epoch(const Json& trainer, int epoch, int epochs);

// The bytes of an event file: scores of every member, best and mean by epochs trained, the means of
// the trainer's metrics, the learning rate where it is known, probability and level of every op of
// the winner's schedule by epoch, and view.samples as contact sheets. `seconds` (since 1970) is the
// time that all events carry.
std::string tensorboard_events(const RunView& view, double seconds);

// Writes DIRECTORY/events.out.tfevents.SECONDS.popaug, and removes earlier files that popaug wrote
// there.
void write_tensorboard(const RunView& view, const fs::path& directory);

}  // namespace popaug

#endif  // POPAUG_REPORT_TENSORBOARD_H_

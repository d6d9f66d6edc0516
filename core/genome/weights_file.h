// SPDX-License-Identifier: GPL-3.0-or-later
// Strict reading and writing of safetensors files without libtorch: 8-byte header length, UTF-8 JSON without duplicate
// keys, dtype F32 (I64 and U8 for optimizer state; halves in files from elsewhere), checked products, no hole or overlap, finite values. A pickle is never
// opened. Used by the engine to check what a worker wrote, and by core/model to load it. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/genome/genome.h"

namespace ratchet {

struct TensorEntry { std::string name, dtype; std::vector<std::int64_t> shape; std::size_t offset = 0, bytes = 0; };   // offset into data

struct WeightsFile {
    // Appends a tensor to data.
    void add(const std::string& name, const std::string& dtype, std::vector<std::int64_t> shape, const void* values);
    std::map<std::string, TensorEntry> tensors;
    std::map<std::string, std::string> metadata;
    std::string data;
    [[nodiscard]] const float* floats(const std::string& name) const;   // null when absent or not F32
};

// Damaged or BadInput naming the tensor and fault.
[[nodiscard]] Result<WeightsFile> readWeights(const std::filesystem::path& file, std::size_t limit = std::size_t(1) << 33);
// A file from elsewhere, as strictly: may hold F16, BF16 and BOOL too, and halves are not looked at for what is not finite.
// BadInput naming the file.
[[nodiscard]] Result<WeightsFile> readForeignWeights(const std::filesystem::path& file, std::size_t limit = std::size_t(1) << 36);
// The values of an F32, F16 or BF16 tensor; BadInput naming the tensor for another type or a value that is not finite.
[[nodiscard]] Result<std::vector<float>> floatsOf(const WeightsFile& file, const TensorEntry& entry);
// Tensors in name order; durable (temp, fsync, rename).
[[nodiscard]] Status writeWeights(const std::filesystem::path& file, const WeightsFile& content);
// Names and shapes the model of this architecture has; the one place both sides agree on. Linear maps are [out, in].
[[nodiscard]] std::map<std::string, std::vector<std::int64_t>> expectedTensors(const Architecture& architecture, int vocabulary);
// Of a version: those of its model, or of every member of an ensemble behind memberPrefix().
[[nodiscard]] std::map<std::string, std::vector<std::int64_t>> expectedTensors(const Genome& genome, int vocabulary);
[[nodiscard]] std::string memberPrefix(std::size_t member);     // "member.0."
// Exactly those tensors, all finite.
[[nodiscard]] Status checkWeights(const WeightsFile& content, const Architecture& architecture, int vocabulary);
[[nodiscard]] Status checkWeights(const WeightsFile& content, const Genome& genome, int vocabulary);
// What an optimizer of this genome holds after some steps: as the first and (but for Lion) the second moment of each of the
// model's tensors one of its shape, behind momentPrefix(), and in the metadata "steps". All finite, no second moment negative.
[[nodiscard]] Status checkMoments(const WeightsFile& content, const Genome& genome, int vocabulary);
[[nodiscard]] Result<std::int64_t> momentSteps(const WeightsFile& content);
[[nodiscard]] std::string momentPrefix(int power);              // "first." and "second."

} // namespace ratchet

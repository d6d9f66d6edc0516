// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/genome/weights_file.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "core/base/file.h"

namespace ratchet
{
namespace
{

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");
constexpr std::size_t headerLimit = std::size_t(100) << 20; // the format's own bound

enum class Origin { Own, Foreign };

std::size_t widthOf(const std::string& dtype, Origin origin = Origin::Own)
{
    if (origin == Origin::Foreign && (dtype == "F16" || dtype == "BF16"))
        return 2;
    if (origin == Origin::Foreign && dtype == "BOOL")
        return 1;
    return dtype == "F32" ? 4 : dtype == "I64" ? 8 : dtype == "U8" ? 1 : 0;
}

tl::unexpected<Error> damaged(std::string what)
{
    return fail(Code::Damaged, "The weights file is damaged: " + what + ".",
                "Train the version again or restore the file.");
}

// JSON that refuses a key given twice at any depth.
Result<Json> parseHeader(std::string_view text)
{
    std::vector<std::set<std::string>> keys;
    std::string twice;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
        if (depth > 8)
            twice = twice.empty() ? "a nesting that is too deep" : twice;
        if (event == Json::parse_event_t::object_start)
            keys.emplace_back();
        else if (event == Json::parse_event_t::object_end)
            keys.pop_back();
        else if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
            twice = "the key \"" + value.get<std::string>() + "\" twice";
        return true;
    };
    try {
        Json header = Json::parse(text, watch);
        if (!twice.empty())
            return damaged("its header has " + twice);
        if (!header.is_object())
            return damaged("its header is not an object");
        return header;
    } catch (const Json::exception&) {
        return damaged("its header is not JSON");
    }
}

// Elements times width, or nothing when a dimension is negative or the product overflows `limit`.
bool bytesOf(const std::vector<std::int64_t>& shape, std::size_t width, std::size_t limit, std::size_t& bytes)
{
    bytes = width;
    for (const std::int64_t size : shape) {
        if (size < 0 || (size > 0 && bytes > limit / static_cast<std::size_t>(size)))
            return false;
        bytes *= static_cast<std::size_t>(size);
    }
    return bytes <= limit;
}

Result<TensorEntry> readEntry(const std::string& name, const Json& json, std::size_t dataBytes, Origin origin)
{
    TensorEntry entry;
    entry.name = name;
    Json shape, offsets;
    Fields in(json, "the tensor \"" + name + "\"");
    in.read("dtype", entry.dtype).read("shape", shape).read("data_offsets", offsets).onlyKnown();
    if (const Status status = in.status(); !status)
        return damaged(status.error().text.substr(0, status.error().text.size() - 1));
    const std::size_t width = widthOf(entry.dtype, origin);
    if (width == 0)
        return damaged("the tensor \"" + name + "\" has the type " + entry.dtype.substr(0, 16) +
                       ", which is not allowed");
    const auto isCount = [](const Json& value) {
        return value.is_number_unsigned() && value.get<std::uint64_t>() < (1ULL << 53);
    };
    if (!shape.is_array() || shape.size() > 8 || !std::all_of(shape.begin(), shape.end(), isCount))
        return damaged("the tensor \"" + name + "\" has no valid shape");
    if (!offsets.is_array() || offsets.size() != 2 || !std::all_of(offsets.begin(), offsets.end(), isCount))
        return damaged("the tensor \"" + name + "\" has no valid offsets");
    for (const Json& size : shape)
        entry.shape.push_back(size.get<std::int64_t>());
    const auto from = offsets[0].get<std::size_t>(), to = offsets[1].get<std::size_t>();
    if (from > to || to > dataBytes || !bytesOf(entry.shape, width, dataBytes, entry.bytes) || to - from != entry.bytes)
        return damaged("the tensor \"" + name + "\" does not fit its shape or the file");
    entry.offset = from;
    return entry;
}

Status checkCover(const std::map<std::string, TensorEntry>& tensors, std::size_t dataBytes)
{
    std::vector<const TensorEntry*> order;
    for (const auto& [name, entry] : tensors)
        order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](const TensorEntry* a, const TensorEntry* b) {
        return std::pair(a->offset, a->bytes) < std::pair(b->offset, b->bytes);
    });
    std::size_t at = 0;
    for (const TensorEntry* entry : order) {
        if (entry->offset != at)
            return damaged("the tensor \"" + entry->name +
                           (entry->offset < at ? "\" overlaps another" : "\" leaves a hole before it"));
        at += entry->bytes;
    }
    if (at != dataBytes)
        return damaged("bytes after the last tensor belong to none");
    return {};
}

Status checkFinite(const WeightsFile& file)
{
    for (const auto& [name, entry] : file.tensors) {
        if (entry.dtype != "F32")
            continue;
        for (std::size_t at = 0; at < entry.bytes; at += 4) {
            float value;
            std::memcpy(&value, file.data.data() + entry.offset + at, 4);
            if (!std::isfinite(value))
                return damaged("the tensor \"" + name + "\" holds a number that is not finite");
        }
    }
    return {};
}

Result<WeightsFile> parseWeights(std::string bytes, Origin origin = Origin::Own)
{
    if (bytes.size() < 8)
        return damaged("it is shorter than its header");
    std::uint64_t headerBytes = 0;
    std::memcpy(&headerBytes, bytes.data(), 8);
    if (headerBytes > headerLimit || headerBytes > bytes.size() - 8)
        return damaged("its header is longer than the file");
    RATCHET_TRY(header, parseHeader(std::string_view(bytes).substr(8, headerBytes)));
    WeightsFile file;
    file.data = bytes.substr(8 + headerBytes);
    bytes.clear();
    for (const auto& [name, value] : header.items()) {
        if (name != "__metadata__") {
            RATCHET_TRY(entry, readEntry(name, value, file.data.size(), origin));
            file.tensors.emplace(name, std::move(entry));
            continue;
        }
        if (!value.is_object())
            return damaged("its metadata is not an object");
        for (const auto& [key, text] : value.items()) {
            if (!text.is_string())
                return damaged("its metadata holds something that is not text");
            file.metadata.emplace(key, text.template get<std::string>());
        }
    }
    RATCHET_CHECK(checkCover(file.tensors, file.data.size()));
    RATCHET_CHECK(checkFinite(file));
    return file;
}

// IEEE 754 binary16.
float fromHalf(std::uint16_t half)
{
    const int exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    const float sign = half & 0x8000 ? -1.0F : 1.0F;
    if (exponent == 0x1f)
        return fraction ? std::numeric_limits<float>::quiet_NaN() : sign * std::numeric_limits<float>::infinity();
    return sign * (exponent ? std::ldexp(static_cast<float>(fraction | 0x400), exponent - 25)
                            : std::ldexp(static_cast<float>(fraction), -24));
}

// The upper half of a binary32.
float fromBrainHalf(std::uint16_t half)
{
    return std::bit_cast<float>(std::uint32_t(half) << 16);
}

Status checkExactly(const WeightsFile& content, const std::map<std::string, std::vector<std::int64_t>>& expected)
{
    for (const auto& [name, shape] : expected) {
        const auto found = content.tensors.find(name);
        if (found == content.tensors.end())
            return damaged("the tensor \"" + name + "\" is missing");
        if (found->second.shape != shape || found->second.dtype != "F32")
            return damaged("the tensor \"" + name + "\" has another shape or type than its genome says");
    }
    for (const auto& [name, entry] : content.tensors)
        if (!expected.contains(name))
            return damaged("the tensor \"" + name + "\" does not belong to this genome");
    return checkFinite(content);
}

} // namespace

void WeightsFile::add(const std::string& name, const std::string& dtype, std::vector<std::int64_t> shape,
                      const void* values)
{
    TensorEntry entry{name, dtype, std::move(shape), data.size(), widthOf(dtype)};
    for (const std::int64_t size : entry.shape)
        entry.bytes *= static_cast<std::size_t>(size);
    data.append(static_cast<const char*>(values), entry.bytes);
    tensors[name] = std::move(entry);
}

const float* WeightsFile::floats(const std::string& name) const
{
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.dtype != "F32" || found->second.offset % alignof(float) != 0)
        return nullptr;
    return reinterpret_cast<const float*>(data.data() + found->second.offset);
}

Result<WeightsFile> readWeights(const std::filesystem::path& file, std::size_t limit)
{
    RATCHET_TRY(bytes, readFile(file, limit));
    return parseWeights(std::move(bytes));
}

Result<WeightsFile> readForeignWeights(const std::filesystem::path& file, std::size_t limit)
{
    RATCHET_TRY(bytes, readFile(file, limit));
    auto read = parseWeights(std::move(bytes), Origin::Foreign);
    if (read)
        return read;
    std::string what = read.error().text;
    const std::string general = "The weights file is damaged: ";
    if (what.starts_with(general))
        what = what.substr(general.size());
    return fail(Code::BadInput, fmt::format("{} cannot be read: {}", file.filename().string(), what),
                "Take a whole copy of the folder; weights may be F32, F16 or BF16.");
}

Result<std::vector<float>> floatsOf(const WeightsFile& file, const TensorEntry& entry)
{
    const char* const from = file.data.data() + entry.offset;
    const bool isFull = entry.dtype == "F32", isHalf = entry.dtype == "F16";
    if (!isFull && !isHalf && entry.dtype != "BF16")
        return fail(Code::BadInput, fmt::format("The tensor \"{}\" has the type {}, but weights are F32, F16 or BF16.", entry.name, entry.dtype));
    std::vector<float> values(entry.bytes / (isFull ? 4 : 2));
    if (isFull)
        std::memcpy(values.data(), from, entry.bytes);
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!isFull) {
            std::uint16_t half;
            std::memcpy(&half, from + 2 * i, 2);
            values[i] = isHalf ? fromHalf(half) : fromBrainHalf(half);
        }
        if (!std::isfinite(values[i]))
            return fail(Code::BadInput, fmt::format("The tensor \"{}\" holds a number that is not finite.", entry.name));
    }
    return values;
}

Status writeWeights(const std::filesystem::path& file, const WeightsFile& content)
{
    Json header = Json::object();
    if (!content.metadata.empty())
        header["__metadata__"] = content.metadata;
    std::size_t at = 0;
    for (const auto& [name, entry] : content.tensors) {
        header[name] = {{"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {at, at + entry.bytes}}};
        at += entry.bytes;
    }
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' '); // data starts aligned
    const std::uint64_t headerBytes = text.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &headerBytes, 8);
    bytes += text;
    bytes.reserve(bytes.size() + at);
    for (const auto& [name, entry] : content.tensors)
        bytes.append(content.data, entry.offset, entry.bytes);
    return writeFile(file, bytes);
}

Status checkWeights(const WeightsFile& content, const Architecture& architecture, int vocabulary)
{
    return checkExactly(content, expectedTensors(architecture, vocabulary));
}

Status checkWeights(const WeightsFile& content, const Genome& genome, int vocabulary)
{
    return checkExactly(content, expectedTensors(genome, vocabulary));
}

std::string momentPrefix(int power)
{
    return power == 1 ? "first." : "second.";
}

Status checkMoments(const WeightsFile& content, const Genome& genome, int vocabulary)
{
    std::map<std::string, std::vector<std::int64_t>> expected;
    const int powers = genome.recipe.optimizer == "lion" ? 1 : 2;
    for (const auto& [name, shape] : expectedTensors(genome.architecture, vocabulary))
        for (int power = 1; power <= powers; ++power)
            expected[momentPrefix(power) + name] = shape;
    RATCHET_CHECK(checkExactly(content, expected));
    RATCHET_CHECK(momentSteps(content));
    for (const auto& [name, entry] : content.tensors) {
        const float* const values = content.floats(name);
        if (name.starts_with(momentPrefix(2)) && std::any_of(values, values + entry.bytes / sizeof(float), [](float v) { return v < 0; }))
            return damaged("the second moment \"" + name + "\" holds a negative value");
    }
    return {};
}

Result<std::int64_t> momentSteps(const WeightsFile& content)
{
    const auto text = content.metadata.find("steps");
    std::int64_t steps = 0;
    if (text != content.metadata.end())
        std::from_chars(text->second.data(), text->second.data() + text->second.size(), steps);
    if (steps < 1)
        return damaged("it does not say after how many steps");
    return steps;
}

} // namespace ratchet

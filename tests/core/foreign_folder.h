// SPDX-License-Identifier: GPL-3.0-or-later
// Tiny Hugging Face folders for tests: shapes and configuration from tests/learn/reference/hugging_face.json, weights by the
// formula of the script beside it, a tokenizer of 32 tokens.
#pragma once

#include <filesystem>
#include <functional>

#include <QTest>

#include "core/base/file.h"
#include "core/genome/hugging_face.h"

namespace ratchet::foreign
{

inline Json reference()
{
    const auto text = readFile(RATCHET_SOURCE_DIR "/tests/learn/reference/hugging_face.json");
    return text ? Json::parse(*text) : Json();
}

inline std::vector<float> formula(const std::string& name, std::size_t count)
{
    std::uint32_t seed = 2166136261U;
    for (const char c : name)
        seed = (seed ^ static_cast<unsigned char>(c)) * 16777619U;
    const bool isNorm = (name.find("ln_") != std::string::npos || name.find("norm") != std::string::npos) && name.ends_with(".weight");
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        std::uint32_t x = seed ^ static_cast<std::uint32_t>(i) * 2654435761U;
        x = (x ^ x >> 16) * 0x85ebca6bU;
        x = (x ^ x >> 13) * 0xc2b2ae35U;
        x ^= x >> 16;
        values[i] = static_cast<float>((isNorm ? 1.0 : 0.0) + (static_cast<double>(x >> 16) / 65536 - 0.5) / 2);
    }
    return values;
}

// A model's folder in memory, to be spoilt by a test before it is written.
struct Folder {
    Json config, tokenizer;
    WeightsFile weights;
};

inline Json tokenizerJson()
{
    Json vocabulary{{"\xc4\xa0", 0}, {"th", 27}, {"the", 28}, {"\xc4\xa0the", 29}};
    for (int letter = 0; letter < 26; ++letter)
        vocabulary[std::string(1, static_cast<char>('a' + letter))] = letter + 1;
    const auto special = [](int id, const char* name) {
        return Json{{"id", id}, {"content", name}, {"single_word", false}, {"lstrip", false}, {"rstrip", false}, {"normalized", false}, {"special", true}};
    };
    return {{"version", "1.0"},
            {"added_tokens", Json::array({special(30, "<|begin|>"), special(31, "<|endoftext|>")})},
            {"normalizer", nullptr},
            {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}}},
            {"post_processor", {{"type", "ByteLevel"}, {"trim_offsets", false}}},
            {"decoder", {{"type", "ByteLevel"}}},
            {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"t h", "th e", "\xc4\xa0 the"}}}}};
}

inline Folder make(const std::string& kind)
{
    const Json all = reference();
    Folder folder;
    folder.config = all[kind]["config"];
    folder.tokenizer = tokenizerJson();
    for (const auto& [name, json] : all[kind]["shapes"].items()) {
        const auto shape = json.get<std::vector<std::int64_t>>();
        std::size_t count = 1;
        for (const auto extent : shape)
            count *= static_cast<std::size_t>(extent);
        folder.weights.add(name, "F32", shape, formula(name, count).data());
    }
    folder.weights.metadata["format"] = "pt";
    return folder;
}

inline void write(const std::filesystem::path& place, const Folder& folder)
{
    QVERIFY(makeFolder(place));
    QVERIFY(writeFile(place / "config.json", folder.config.dump()));
    QVERIFY(writeFile(place / "tokenizer.json", folder.tokenizer.dump()));
    QVERIFY(writeWeights(place / "model.safetensors", folder.weights));
}

} // namespace ratchet::foreign

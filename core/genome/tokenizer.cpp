// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/genome/tokenizer.h"

#include <fmt/format.h>

namespace ratchet
{

Tokenizer::Tokenizer(std::string_view alphabet)
{
    m_tokens.fill(-1);
    const auto add = [this](unsigned char byte) {
        if (m_tokens[byte] >= 0)
            return;
        m_tokens[byte] = static_cast<int>(m_bytes.size());
        m_bytes.push_back(static_cast<char>(byte));
    };
    for (const char c : alphabet)
        add(static_cast<unsigned char>(c));
    for (int byte = 0; alphabet.empty() && byte < 256; ++byte)
        add(static_cast<unsigned char>(byte));
}

Result<std::vector<std::int64_t>> Tokenizer::encode(std::string_view text) const
{
    std::vector<std::int64_t> tokens;
    tokens.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (m_tokens[byte] < 0)
            return fail(Code::BadInput, fmt::format("Byte {} (0x{:02x}) is not in this model's alphabet.", i + 1, byte),
                        fmt::format("Use only these characters: {}", m_bytes));
        tokens.push_back(m_tokens[byte]);
    }
    return tokens;
}

std::string Tokenizer::decode(std::int64_t token) const
{
    return token >= 0 && token < end() ? std::string(1, m_bytes[static_cast<std::size_t>(token)]) : std::string();
}

Json Tokenizer::toJson() const
{
    Json bytes = Json::array();
    for (const char c : m_bytes)
        bytes.push_back(static_cast<unsigned char>(c));
    return {{"kind", "bytes"}, {"alphabet", std::move(bytes)}, {"end", end()}, {"pad", pad()}};
}

int vocabularyOf(std::string_view alphabet)
{
    return Tokenizer(alphabet).vocabulary();
}

Json tokenizerJson(std::string_view alphabet)
{
    return Tokenizer(alphabet).toJson();
}

Hash tokenizerHash(std::string_view alphabet)
{
    return hashOfJson(tokenizerJson(alphabet));
}

} // namespace ratchet

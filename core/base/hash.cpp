// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/hash.h"

#include <cstdio>
#include <memory>
#include <vector>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

namespace ratchet {
namespace {

class Sha256 {
public:
    Sha256() { EVP_DigestInit_ex(m_context.get(), EVP_sha256(), nullptr); }
    void add(const void* data, std::size_t size) { EVP_DigestUpdate(m_context.get(), data, size); }
    [[nodiscard]] Hash finish()
    {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned int size = 0;
        EVP_DigestFinal_ex(m_context.get(), digest, &size);
        Hash hash;
        for (unsigned int i = 0; i < size; ++i)
            hash.hex += fmt::format("{:02x}", digest[i]);
        return hash;
    }

private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> m_context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

} // namespace

Hash hashOf(std::string_view bytes)
{
    Sha256 sha;
    sha.add(bytes.data(), bytes.size());
    return sha.finish();
}

Hash hashOfJson(const nlohmann::json& value)
{
    return hashOf(value.dump());
}

Result<Hash> hashOfFile(const std::filesystem::path& file)
{
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "rbe"), &std::fclose);
    if (!stream)
        return fail(Code::NotFound, fmt::format("{} cannot be read.", file.string()));
    Sha256 sha;
    std::vector<char> buffer(1 << 20);
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), stream.get()))
        sha.add(buffer.data(), got);
    if (std::ferror(stream.get()))
        return fail(Code::Environment, fmt::format("Reading {} failed.", file.string()));
    return sha.finish();
}

} // namespace ratchet

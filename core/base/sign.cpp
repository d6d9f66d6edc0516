// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/sign.h"

#include <array>
#include <memory>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/base/file.h"

namespace ratchet {
namespace {

constexpr std::size_t signatureBytes = 64;
constexpr std::size_t signatureLetters = 88;   // base64, with "==" at the end

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

std::string textOf(const Bio& bio)
{
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

enum class Half { Private, Public };

Result<Key> readKey(const std::filesystem::path& folder, Half half)
{
    const std::filesystem::path file = folder / (half == Half::Private ? "private.pem" : "public.pem");
    RATCHET_TRY(text, readFile(file, 1 << 16));
    const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free_all);
    EVP_PKEY* read = half == Half::Private ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr)
                                           : PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr);
    Key key(read, &EVP_PKEY_free);
    if (!key || EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519)
        return fail(Code::Damaged, fmt::format("{} does not hold an Ed25519 key.", file.string()), "Restore it from a backup.");
    return key;
}

} // namespace

Status createKeys(const std::filesystem::path& folder)
{
    if (std::filesystem::exists(folder / "private.pem"))
        return fail(Code::Conflict, fmt::format("{} holds a key already.", folder.string()));
    const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free);
    const Bio secret(BIO_new(BIO_s_mem()), &BIO_free_all);
    const Bio open(BIO_new(BIO_s_mem()), &BIO_free_all);
    if (!key || PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1
        || PEM_write_bio_PUBKEY(open.get(), key.get()) != 1)
        return fail(Code::Failed, "OpenSSL could not make an Ed25519 key.");
    RATCHET_CHECK(writeFile(folder / "private.pem", textOf(secret), 0600));
    return writeFile(folder / "public.pem", textOf(open));
}

Result<std::string> signBytes(const std::filesystem::path& folder, std::string_view text)
{
    RATCHET_TRY(key, readKey(folder, Half::Private));
    const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::string signature(signatureBytes, '\0');
    std::size_t size = signature.size();
    if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1
        || EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1)
        return fail(Code::Failed, "OpenSSL could not sign.");
    return signature;
}

Result<std::string> signText(const std::filesystem::path& folder, std::string_view text)
{
    RATCHET_TRY(signature, signBytes(folder, text));
    std::string letters(signatureLetters + 1, '\0');   // OpenSSL ends it with a zero
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(letters.data()), reinterpret_cast<const unsigned char*>(signature.data()),
                    static_cast<int>(signature.size()));
    letters.pop_back();
    return letters;
}

Result<bool> verifyText(const std::filesystem::path& folder, std::string_view text, const std::string& signature)
{
    RATCHET_TRY(key, readKey(folder, Half::Public));
    std::array<unsigned char, signatureBytes + 2> bytes{};
    if (signature.size() != signatureLetters || !signature.ends_with("==")
        || EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(signature.data()), signatureLetters) != int(bytes.size()))
        return false;
    const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1)
        return fail(Code::Failed, "OpenSSL could not check a signature.");
    return EVP_DigestVerify(context.get(), bytes.data(), signatureBytes, reinterpret_cast<const unsigned char*>(text.data()),
                            text.size()) == 1;
}

} // namespace ratchet

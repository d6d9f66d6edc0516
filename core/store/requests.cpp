// SPDX-License-Identifier: GPL-3.0-or-later
// Requests: one file each, {"body": canonical JSON as text, "signature": base64 of Ed25519 over the body}. Names sort by
// time; a file appears by rename, so a reader never sees half of one.
#include <algorithm>
#include <array>
#include <atomic>

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/sign.h"
#include "core/store/lab.h"

namespace ratchet {
namespace {

constexpr std::size_t largest = 1 << 20;
constexpr std::size_t longestId = 100;
constexpr std::array<const char*, 16> kinds{"approve", "reject", "rollback", "propose",  "cancel",        "retry",     "move",     "pause",
                                            "resume",  "step",   "stop",     "feedback", "more-evidence", "replicate", "withdraw", "space"};

Status checkKind(const std::string& kind)
{
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
        return fail(Code::BadInput, fmt::format("\"{}\" is not something an engine can be asked.", kind));
    return {};
}

Result<Request> readRequest(const LabPaths& paths, const std::filesystem::path& file)
{
    RATCHET_TRY(text, readFile(file, largest));
    RATCHET_TRY(json, parseJson(text, "it"));
    std::string body, signature;
    RATCHET_CHECK(Fields(json, "it").read("body", body).read("signature", signature).onlyKnown().status());
    RATCHET_TRY(genuine, verifyText(paths.keys(), body, signature));
    if (!genuine)
        return fail(Code::Refused, "it is not signed with this lab's key.");
    RATCHET_TRY(inner, parseJson(body, "its body"));
    Request request;
    std::int64_t created = 0;
    Fields in(inner, "its body");
    request.id = file.stem().string();       // of a request made before they had ids
    in.read("kind", request.kind).read("actor", request.actor).read("arguments", request.arguments).read("created", created);
    in.readIf("id", request.id);
    RATCHET_CHECK(in.onlyKnown().status());
    RATCHET_CHECK(checkKind(request.kind));
    if (request.id.empty() || request.id.size() > longestId)
        return fail(Code::BadInput, "its id is empty or too long.");
    request.created = Time(std::chrono::milliseconds(created));
    return request;
}

Result<std::vector<std::filesystem::path>> waitingFiles(const std::filesystem::path& folder)
{
    std::vector<std::filesystem::path> files;
    std::error_code error;
    if (!std::filesystem::exists(folder, error))
        return files;
    for (auto entry = std::filesystem::directory_iterator(folder, error); !error && entry != std::filesystem::directory_iterator();
         entry.increment(error))
        if (entry->path().extension() == ".json" && !entry->is_directory(error))
            files.push_back(entry->path());
    if (error)
        return fail(Code::Environment, fmt::format("{} cannot be read: {}.", folder.string(), error.message()));
    std::sort(files.begin(), files.end());
    return files;
}

Status setAside(const LabPaths& paths, const std::filesystem::path& file)
{
    const std::filesystem::path refused = paths.requests() / "refused";
    RATCHET_CHECK(makeFolder(refused, 0700));
    std::error_code error;
    std::filesystem::rename(file, refused / file.filename(), error);
    if (error)
        return fail(Code::Environment, fmt::format("{} cannot be moved: {}.", file.string(), error.message()));
    return {};
}

} // namespace

std::string newRequestId()
{
    std::array<unsigned char, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))     // before the system has started
        return fmt::format("{}-{}", now().time_since_epoch().count(), ::getpid());
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

Status putRequest(const LabPaths& paths, const Request& request)
{
    RATCHET_CHECK(checkKind(request.kind));
    static std::atomic<unsigned> number = 0;
    const Time created = request.created == Time{} ? now() : request.created;
    const Json inner{{"kind", request.kind}, {"actor", request.actor}, {"arguments", request.arguments},
                     {"created", created.time_since_epoch().count()}, {"id", request.id}};
    const std::string body = inner.dump(-1, ' ', false, Json::error_handler_t::replace);
    RATCHET_TRY(signature, signText(paths.keys(), body));
    const std::string name = fmt::format("{:015}-{}-{:06}.json", created.time_since_epoch().count(), ::getpid(), ++number);
    return writeFile(paths.requests() / name, Json{{"body", body}, {"signature", signature}}.dump() + "\n", 0600);
}

Result<TakenRequests> takeRequests(const LabPaths& paths, const std::function<Result<Taken>(const Request&)>& carryOut)
{
    TakenRequests taken;
    RATCHET_TRY(files, waitingFiles(paths.requests()));
    for (const auto& file : files) {
        auto request = readRequest(paths, file);
        std::error_code error;
        if (!request && !std::filesystem::exists(file, error))      // taken while an earlier one was carried out
            continue;
        if (!request) {
            taken.refused.push_back(fmt::format("The request {} was refused: {}", file.filename().string(), request.error().text));
            RATCHET_CHECK(setAside(paths, file));
            continue;
        }
        if (carryOut) {
            RATCHET_TRY(done, carryOut(*request));
            if (done == Taken::Later)
                continue;
        }
        taken.requests.push_back(std::move(*request));
        std::filesystem::remove(file, error);
        if (error)
            return fail(Code::Environment, fmt::format("{} cannot be removed: {}.", file.string(), error.message()));
    }
    return taken;
}

} // namespace ratchet

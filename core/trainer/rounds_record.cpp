// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/rounds_record.h"

#include "core/base/file.h"
#include "core/base/hash.h"

namespace ratchet {
namespace {

std::filesystem::path recordIn(const std::filesystem::path& folder)
{
    return folder / "round.json";
}

Result<RoundRecord> read(const std::filesystem::path& folder, const std::string& key)
{
    RATCHET_TRY(text, readFile(recordIn(folder)));
    RATCHET_TRY(json, parseJson(text, "the record of a round"));
    RoundRecord record;
    RoundModel& model = record.model;
    Json genome, rows;
    std::string name, hash;
    Fields in(json, "the record of a round");
    in.read("key", model.key).read("genome", genome).read("weights", name).read("sha256", hash);
    in.read("level", model.level).read("trained", model.trained).read("flops", model.flops).read("rows", rows);
    RATCHET_CHECK(in.onlyKnown().status());
    RATCHET_TRY(itsGenome, Genome::fromJson(genome));
    model.genome = std::move(itsGenome);
    model.weights = (folder / std::filesystem::path(name).filename()).string();
    RATCHET_TRY(itsHash, hashOfFile(model.weights));
    if (model.key != key || itsHash.hex != hash)
        return fail(Code::BadInput, "The record is of another round.");
    for (const Json& row : rows) {
        RATCHET_TRY(itsRow, roundRowFrom(row));
        record.rows.push_back(std::move(itsRow));
    }
    return record;
}

} // namespace

Status writeRecord(const std::filesystem::path& folder, const RoundRecord& record)
{
    const RoundModel& model = record.model;
    RATCHET_TRY(hash, hashOfFile(model.weights));
    Json rows = Json::array();
    for (const RoundRow& row : record.rows)
        rows.push_back(toJson(row));
    const Json json{{"key", model.key},
                    {"genome", model.genome.toJson()},
                    {"weights", std::filesystem::path(model.weights).filename().string()},
                    {"sha256", hash.hex},
                    {"level", model.level},
                    {"trained", model.trained},
                    {"flops", model.flops},
                    {"rows", rows}};
    return writeFile(recordIn(folder), json.dump());
}

std::optional<RoundRecord> readRecord(const std::filesystem::path& folder, const std::string& key)
{
    auto record = read(folder, key);
    return record ? std::optional(std::move(*record)) : std::nullopt;
}

} // namespace ratchet

// SPDX-License-Identifier: GPL-3.0-or-later
// Opening, migrating, transactions and the change feed; writing, reading and series have files of their own.
#include "core/store/store.h"

#include "core/store/schema.h"
#include "core/store/store_private.h"

namespace ratchet {
namespace {

constexpr std::int64_t changesKept = 20'000;
constexpr std::int64_t trimEvery = 1'000;

Status migrate(sqlite::Database& database, std::int64_t from)
{
    for (const Migration& migration : migrations()) {
        if (migration.to <= from)
            continue;
        const std::string sql = fmt::format("BEGIN IMMEDIATE;\n{}\nPRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
                                            migration.sql, applicationId, migration.to);
        if (Status done = database.execute(sql.c_str()); !done) {
            (void)database.execute("ROLLBACK");
            return done;
        }
    }
    return {};
}

// Whose file it is and of which version; the answer is its user_version.
Result<std::int64_t> identify(sqlite::Database& database)
{
    const std::string path = database.file().string();
    RATCHET_TRY(application, database.integer("PRAGMA application_id"));
    RATCHET_TRY(version, database.integer("PRAGMA user_version"));
    if (application == 0 && version == 0)
        return fail(Code::Damaged, fmt::format("The database {} is damaged (it is empty).", path), "Restore it from a backup.");
    if (application != applicationId)
        return fail(Code::BadInput, fmt::format("{} is the database of another program.", path));
    if (version > schemaVersion)
        return fail(Code::Newer, fmt::format("{} was written by a newer Ratchet (format {}, this one knows {}).", path, version, schemaVersion),
                    "Update Ratchet to open this lab.");
    return version;
}

Status checkStructure(sqlite::Database& database)
{
    sqlite::Statement statement = database.prepare("PRAGMA quick_check(1)");
    RATCHET_TRY(row, statement.step());
    std::string answer;
    if (row)
        statement >> answer;
    if (answer == "ok")
        return {};
    const std::string path = database.file().string();
    return fail(Code::Damaged, fmt::format("The database {} is damaged ({}).", path, answer.substr(0, answer.find('\n'))),
                fmt::format("Restore it from a backup, or save what can be read with: sqlite3 {} .recover", path));
}

} // namespace

Store::Store(std::unique_ptr<Private> data) : d(std::move(data)) {}

Store::~Store()
{
    if (d->depth > 0)
        d->rollback();
}

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& database, Mode mode)
{
    const bool writes = mode == Mode::ReadWrite;
    auto data = std::make_unique<Private>();
    RATCHET_TRY(opened, sqlite::Database::open(database, writes ? sqlite::Database::Mode::ReadWrite : sqlite::Database::Mode::ReadOnly));
    data->database = std::move(opened);
    RATCHET_TRY(version, identify(*data->database));
    if (writes) {
        RATCHET_CHECK(checkStructure(*data->database));
        RATCHET_CHECK(migrate(*data->database, version));
    } else if (version < schemaVersion) {
        return fail(Code::Conflict, fmt::format("{} was written by an older Ratchet.", database.string()),
                    "\"ratchet status\" brings it up to date; an engine that holds it has to end first.");
    }
    return std::unique_ptr<Store>(new Store(std::move(data)));
}

Result<std::unique_ptr<Store>> Store::create(const std::filesystem::path& database)
{
    auto data = std::make_unique<Private>();
    RATCHET_TRY(opened, sqlite::Database::open(database, sqlite::Database::Mode::Create));
    data->database = std::move(opened);
    RATCHET_CHECK(migrate(*data->database, 0));
    return std::unique_ptr<Store>(new Store(std::move(data)));
}

Status Store::transaction(Durable durable, const std::function<Status()>& work)
{
    return d->write(durable, work);
}

Status Store::snapshot(const std::function<Status()>& work) const
{
    if (d->database->inTransaction())
        return work();
    RATCHET_CHECK(d->database->execute("BEGIN"));
    Status done = work();
    const Status ended = d->database->execute("COMMIT");
    return done ? ended : done;
}

Status Store::Private::write(Durable wanted, const std::function<Status()>& work)
{
    RATCHET_CHECK(begin(wanted));
    Status done = work();
    if (!done && !doomed)
        doomed = done.error();
    if (depth > 1) {
        --depth;
        return done;
    }
    if (!doomed)
        return commit();
    Error error = std::move(*doomed);
    rollback();
    return tl::unexpected(std::move(error));
}

Status Store::Private::begin(Durable wanted)
{
    if (depth == 0) {
        const bool fullWanted = wanted == Durable::Yes;
        if (full != fullWanted)
            RATCHET_CHECK(database->execute(fullWanted ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
        full = fullWanted;
        RATCHET_CHECK(database->prepare("BEGIN IMMEDIATE").run());
        durable = false;
        doomed.reset();
        touched.clear();
    }
    durable = durable || wanted == Durable::Yes;
    ++depth;
    return {};
}

Status Store::Private::commit()
{
    Status done = writeChanges();
    if (done)
        done = database->prepare("COMMIT").run();
    if (!done) {
        rollback();
        return done;
    }
    depth = 0;
    touched.clear();
    return durable && !full ? database->syncLog() : Status();
}

void Store::Private::rollback()
{
    if (database->inTransaction())
        (void)database->execute("ROLLBACK");
    depth = 0;
    doomed.reset();
    touched.clear();
}

Status Store::Private::writeChanges()
{
    for (const auto& [what, ref] : touched) {
        RATCHET_CHECK((database->prepare("INSERT INTO change (what, ref) VALUES (?, ?)") << what << ref).run());
        const std::int64_t seq = database->lastRow();
        if (seq % trimEvery == 0)
            RATCHET_CHECK((database->prepare("DELETE FROM change WHERE seq <= ?") << seq - changesKept).run());
    }
    return {};
}

Result<std::int64_t> Store::changeCount() const
{
    return d->database->integer("SELECT ifnull(max(seq), 0) FROM change");
}

Result<std::vector<Change>> Store::changesSince(std::int64_t seq, int limit) const
{
    return d->all<Change>("WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit);
}

} // namespace ratchet

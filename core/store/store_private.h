// SPDX-License-Identifier: GPL-3.0-or-later
// What the verbs of Store share: the connection, the open transaction and what it changed. Internal to core/store.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "core/store/sqlite.h"
#include "core/store/store.h"
#include "core/store/tables.h"

namespace ratchet {

struct Store::Private {
    std::unique_ptr<sqlite::Database> database;
    int depth = 0;                                            // of nested transactions
    bool durable = false;                                     // something in the open transaction asked for it
    bool full = false;                                        // the connection is at synchronous = FULL
    std::optional<Error> doomed;                              // a write in the open transaction failed
    std::set<std::pair<std::string, std::string>> touched;    // what, ref; becomes the change feed at commit

    [[nodiscard]] Status begin(Durable wanted);
    [[nodiscard]] Status commit();
    void rollback();
    [[nodiscard]] Status writeChanges();
    // Runs one write in the open transaction, or in one of its own.
    [[nodiscard]] Status write(Durable wanted, const std::function<Status()>& work);
    void touch(const char* what, std::string ref) { touched.emplace(what, std::move(ref)); }

    template <typename Record>
    [[nodiscard]] Status insert(const std::string& sql, const Record& record)
    {
        sqlite::Statement statement = database->prepare(sql);
        bind(statement, record);
        return statement.run();
    }

    template <typename Record>
    [[nodiscard]] Result<Id<Record>> addNumbered(const Record& record, Durable wanted = Durable::No)
    {
        Id<Record> id;
        RATCHET_CHECK(write(wanted, [&]() -> Status {
            RATCHET_CHECK(insert(insertSql<Record>(), record));
            id.value = database->lastRow();
            touch(Table<Record>::name, std::to_string(id.value));
            return {};
        }));
        return id;
    }

    template <typename Record>
    [[nodiscard]] Status replace(const Record& record, const std::string& ref)
    {
        return write(Durable::No, [&]() -> Status {
            RATCHET_CHECK(insert(replaceSql<Record>(), record));
            touch(Table<Record>::name, ref);
            return {};
        });
    }

    // Replaces a record that must be there.
    template <typename Record>
    [[nodiscard]] Status update(const Record& record)
    {
        RATCHET_TRY(old, (one<Record>("WHERE id = ?", record.id)));
        if (!old)
            return fail(Code::NotFound, fmt::format("There is no {} {}.", Table<Record>::name, record.id.value));
        return replace(record, std::to_string(record.id.value));
    }

    template <typename Record, typename... Values>
    [[nodiscard]] Result<std::vector<Record>> all(const std::string& tail, const Values&... values) const
    {
        sqlite::Statement statement = database->prepare(selectSql<Record>() + " " + tail);
        static_cast<void>((statement << ... << values));
        std::vector<Record> records;
        for (;;) {
            RATCHET_TRY(row, statement.step());
            if (!row)
                break;
            read(statement, records.emplace_back());
        }
        RATCHET_CHECK(statement.rowStatus());
        return records;
    }

    template <typename Record, typename... Values>
    [[nodiscard]] Result<std::optional<Record>> one(const std::string& tail, const Values&... values) const
    {
        RATCHET_TRY(records, (all<Record>(tail, values...)));
        return records.empty() ? std::optional<Record>() : std::move(records.front());
    }
};

} // namespace ratchet

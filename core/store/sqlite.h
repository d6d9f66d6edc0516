// SPDX-License-Identifier: GPL-3.0-or-later
// Thin RAII over SQLite for the .cpp files of this room only: a connection with cached statements, typed binding and reading,
// and SQLite's error codes translated to Error. One thread per connection.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "core/base/error.h"
#include "core/store/records.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ratchet::sqlite {

template <typename T>
inline constexpr bool isOptional = false;
template <typename T>
inline constexpr bool isOptional<std::optional<T>> = true;
template <typename T>
inline constexpr bool isId = false;
template <typename T>
inline constexpr bool isId<Id<T>> = true;
template <typename T>
inline constexpr bool isVector = false;
template <typename T>
inline constexpr bool isVector<std::vector<T>> = true;

// JSON as stored: bytes that are not UTF-8 become U+FFFD, so that a model's raw answer cannot make a record unwritable.
[[nodiscard]] std::string dump(const Json& json);

class Database;

// A cached statement on loan; it is reset when this goes. Values are bound with <<, in order; columns are read with >>.
class Statement {
public:
    Statement(Database& database, sqlite3_stmt* statement, Error error);
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement();

    template <typename T> Statement& operator<<(const T& value);
    template <typename T> Statement& operator>>(T& value);

    [[nodiscard]] Status run();            // to the end, ignoring rows
    [[nodiscard]] Result<bool> step();     // true: a row can be read
    // After reading the columns of a row: Damaged when one did not hold what it should.
    [[nodiscard]] Status rowStatus() const;

private:
    void bindNull();
    void bindInteger(std::int64_t value);
    void bindReal(double value);
    void bindText(std::string_view value);
    [[nodiscard]] bool nextIsNull() const;
    [[nodiscard]] std::int64_t readInteger();
    [[nodiscard]] double readReal();
    [[nodiscard]] std::string readText();
    void fault(std::string what);

    Database& m_database;
    sqlite3_stmt* m_statement;
    int m_bound = 0, m_read = 0;
    Error m_error;          // from preparing or binding; empty text: none
    std::string m_fault;    // in the row being read
};

class Database {
public:
    enum class Mode { ReadWrite, ReadOnly, Create };
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, Mode mode);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    [[nodiscard]] Statement prepare(const std::string& sql);    // a bad statement shows when it runs
    [[nodiscard]] Status execute(const char* sql);              // any number of statements, no values
    [[nodiscard]] Result<std::int64_t> integer(const std::string& sql);
    [[nodiscard]] std::int64_t lastRow() const;
    [[nodiscard]] std::int64_t changedRows() const;
    [[nodiscard]] bool inTransaction() const;
    // Syncs what was committed so far, whatever `synchronous` was.
    [[nodiscard]] Status syncLog();
    // What the connection's last failure means for a person.
    [[nodiscard]] Error error() const;
    [[nodiscard]] const std::filesystem::path& file() const { return m_file; }

private:
    explicit Database(std::filesystem::path file) : m_file(std::move(file)) {}
    [[nodiscard]] Status openReadOnly();
    [[nodiscard]] Status configure(Mode mode);

    std::filesystem::path m_file;
    sqlite3* m_handle = nullptr;
    std::unordered_map<std::string, sqlite3_stmt*> m_statements;
};

template <typename T>
Statement& Statement::operator<<(const T& value)
{
    if constexpr (isOptional<T>)
        value ? void(*this << *value) : bindNull();
    else if constexpr (isId<T>)
        value.isSet() ? bindInteger(value.value) : bindNull();
    else if constexpr (std::is_enum_v<T>)
        bindText(toText(value));
    else if constexpr (std::is_integral_v<T>)
        bindInteger(static_cast<std::int64_t>(value));
    else if constexpr (std::is_floating_point_v<T>)
        bindReal(value);
    else if constexpr (std::is_same_v<T, Flops>)
        bindReal(value.value);
    else if constexpr (std::is_same_v<T, Time>)
        bindInteger(value.time_since_epoch().count());
    else if constexpr (std::is_same_v<T, std::chrono::milliseconds>)
        bindInteger(value.count());
    else if constexpr (std::is_same_v<T, Hash>)
        bindText(value.hex);
    else if constexpr (std::is_same_v<T, Json>)
        bindText(dump(value));
    else if constexpr (isVector<T>)
        bindText(dump(Json(value)));
    else
        bindText(value);
    return *this;
}

template <typename T>
Statement& Statement::operator>>(T& value)
{
    if constexpr (isOptional<T>) {
        if (nextIsNull()) {
            ++m_read;
            value.reset();
        } else {
            *this >> value.emplace();
        }
    } else if constexpr (isId<T>) {
        value.value = readInteger();
    } else if constexpr (std::is_enum_v<T>) {
        const auto read = fromText<T>(readText());
        read ? void(value = *read) : fault(read.error().text);
    } else if constexpr (std::is_integral_v<T>) {
        value = static_cast<T>(readInteger());
    } else if constexpr (std::is_floating_point_v<T>) {
        value = readReal();
    } else if constexpr (std::is_same_v<T, Flops>) {
        value.value = readReal();
    } else if constexpr (std::is_same_v<T, Time>) {
        value = Time(std::chrono::milliseconds(readInteger()));
    } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
        value = std::chrono::milliseconds(readInteger());
    } else if constexpr (std::is_same_v<T, Hash>) {
        value.hex = readText();
    } else if constexpr (std::is_same_v<T, Json> || isVector<T>) {
        try {
            value = Json::parse(readText()).template get<T>();
        } catch (const Json::exception&) {
            fault("a JSON column does not hold what it should");
        }
    } else {
        value = readText();
    }
    return *this;
}

} // namespace ratchet::sqlite

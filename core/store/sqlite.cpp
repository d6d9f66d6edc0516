// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/sqlite.h"

#include <cerrno>
#include <cstring>

#include <sqlite3.h>

namespace ratchet::sqlite {

std::string dump(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Statement::Statement(Database& database, sqlite3_stmt* statement, Error error)
    : m_database(database), m_statement(statement), m_error(std::move(error))
{
}

Statement::~Statement()
{
    if (m_statement) {
        sqlite3_reset(m_statement);
        sqlite3_clear_bindings(m_statement);
    }
}

Status Statement::run()
{
    for (;;) {
        RATCHET_TRY(row, step());
        if (!row)
            return {};
    }
}

Result<bool> Statement::step()
{
    if (!m_error.text.empty())
        return tl::unexpected(m_error);
    m_read = 0;
    switch (sqlite3_step(m_statement)) {
    case SQLITE_ROW:
        return true;
    case SQLITE_DONE:
        return false;
    default:
        return tl::unexpected(m_database.error());
    }
}

Status Statement::rowStatus() const
{
    if (m_fault.empty())
        return {};
    return fail(Code::Damaged, fmt::format("A record in {} is damaged: {}.", m_database.file().string(), m_fault),
                "Restore ratchet.db from a backup.");
}

void Statement::bindNull()
{
    sqlite3_bind_null(m_statement, ++m_bound);
}

void Statement::bindInteger(std::int64_t value)
{
    sqlite3_bind_int64(m_statement, ++m_bound, value);
}

void Statement::bindReal(double value)
{
    sqlite3_bind_double(m_statement, ++m_bound, value);
    if (std::isnan(value) && m_error.text.empty())
        m_error = {Code::BadInput, "A number to be stored is not a number (NaN).", {}};
}

void Statement::bindText(std::string_view value)
{
    const char* text = value.data() ? value.data() : "";   // a null pointer would bind NULL
    sqlite3_bind_text64(m_statement, ++m_bound, text, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

bool Statement::nextIsNull() const
{
    return sqlite3_column_type(m_statement, m_read) == SQLITE_NULL;
}

std::int64_t Statement::readInteger()
{
    return sqlite3_column_int64(m_statement, m_read++);
}

double Statement::readReal()
{
    return sqlite3_column_double(m_statement, m_read++);
}

std::string Statement::readText()
{
    const int column = m_read++;
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(m_statement, column));
    return text ? std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(m_statement, column))) : std::string();
}

void Statement::fault(std::string what)
{
    if (m_fault.empty())
        m_fault = std::move(what);
    if (!m_fault.empty() && m_fault.back() == '.')
        m_fault.pop_back();
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file, Mode mode)
{
    std::unique_ptr<Database> database(new Database(file));
    std::error_code error;
    const bool exists = std::filesystem::exists(file, error);
    if (mode == Mode::Create && exists)
        return fail(Code::Conflict, fmt::format("{} exists already.", file.string()));
    if (mode != Mode::Create && !exists)
        return fail(Code::NotFound, fmt::format("The database {} is missing.", file.string()), "Restore it from a backup.");
    if (mode == Mode::ReadOnly) {
        RATCHET_CHECK(database->openReadOnly());
    } else {
        const int flags = SQLITE_OPEN_READWRITE | (mode == Mode::Create ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(file.c_str(), &database->m_handle, flags, nullptr) != SQLITE_OK)
            return tl::unexpected(database->error());
    }
    RATCHET_CHECK(database->configure(mode));
    return database;
}

// A WAL database in a folder that cannot be written is readable while -wal and -shm are there; without them only when it is
// declared unchanging, which is true as nobody can write there.
Status Database::openReadOnly()
{
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(m_file.c_str(), &m_handle, flags, nullptr) != SQLITE_OK)
        return tl::unexpected(error());
    sqlite3_busy_timeout(m_handle, 5000);
    if (execute("SELECT count(*) FROM sqlite_schema"))
        return {};
    const Error first = error();
    std::error_code ignored;
    const auto log = std::filesystem::path(m_file.string() + "-wal");
    const int code = sqlite3_errcode(m_handle) & 0xff;
    if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || std::filesystem::exists(log, ignored))
        return tl::unexpected(first);
    sqlite3_close_v2(std::exchange(m_handle, nullptr));
    std::string uri = "file:";
    for (const char c : std::filesystem::absolute(m_file).string())
        uri += c == '%' || c == '?' || c == '#' ? fmt::format("%{:02x}", static_cast<unsigned char>(c)) : std::string(1, c);
    if (sqlite3_open_v2((uri + "?immutable=1").c_str(), &m_handle, flags | SQLITE_OPEN_URI, nullptr) != SQLITE_OK)
        return tl::unexpected(error());
    return {};
}

Status Database::configure(Mode mode)
{
    sqlite3_extended_result_codes(m_handle, 1);
    sqlite3_busy_timeout(m_handle, 5000);
    sqlite3_db_config(m_handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(m_handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
    sqlite3_db_config(m_handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    if (mode == Mode::ReadOnly)
        return execute("PRAGMA query_only = ON");
    // The log files stay, empty, when the writer leaves: readers that may not write the folder need them.
    int persist = 1;
    sqlite3_file_control(m_handle, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    return execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304;");
}

Database::~Database()
{
    for (const auto& [sql, statement] : m_statements)
        sqlite3_finalize(statement);
    sqlite3_close_v2(m_handle);
}

Statement Database::prepare(const std::string& sql)
{
    const auto found = m_statements.find(sql);
    if (found != m_statements.end())
        return {*this, found->second, {}};
    sqlite3_stmt* statement = nullptr;
    const int size = static_cast<int>(sql.size()) + 1;
    if (sqlite3_prepare_v3(m_handle, sql.c_str(), size, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
        return {*this, nullptr, error()};
    m_statements.emplace(sql, statement);
    return {*this, statement, {}};
}

Status Database::execute(const char* sql)
{
    if (sqlite3_exec(m_handle, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return tl::unexpected(error());
    return {};
}

Result<std::int64_t> Database::integer(const std::string& sql)
{
    Statement statement = prepare(sql);
    RATCHET_TRY(row, statement.step());
    std::int64_t value = 0;
    if (row)
        statement >> value;
    return value;
}

std::int64_t Database::lastRow() const
{
    return sqlite3_last_insert_rowid(m_handle);
}

std::int64_t Database::changedRows() const
{
    return sqlite3_changes64(m_handle);
}

bool Database::inTransaction() const
{
    return sqlite3_get_autocommit(m_handle) == 0;
}

Status Database::syncLog()
{
    // A passive checkpoint syncs the log before it copies pages, and waits for nobody.
    const int code = sqlite3_wal_checkpoint_v2(m_handle, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        return tl::unexpected(error());
    return {};
}

Error Database::error() const
{
    const int lastErrno = errno;   // a failed COMMIT does not set sqlite3_system_errno()
    const std::string path = m_file.string();
    if (!m_handle)
        return {Code::Environment, fmt::format("There is not enough memory to open {}.", path), {}};
    const int known = sqlite3_system_errno(m_handle);
    const int system = known ? known : lastErrno;
    const int code = sqlite3_errcode(m_handle) & 0xff;
    const bool full = system == ENOSPC || system == EDQUOT || system == EFBIG;
    if (code == SQLITE_FULL || (code == SQLITE_IOERR && full))
        return {Code::Environment, fmt::format("The disk is full: {} could not grow.", path),
                "Free some disk space and run the command again; nothing was lost."};
    switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return {Code::Damaged, fmt::format("The database {} is damaged ({}).", path, sqlite3_errmsg(m_handle)),
                fmt::format("Restore it from a backup, or save what can be read with: sqlite3 {} .recover", path)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return {Code::Conflict, fmt::format("Another program is writing to {}.", path), "Try again when it has ended."};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return {Code::Environment,
                fmt::format("{} cannot be opened{}.", path, system ? fmt::format(": {}", std::strerror(system)) : ""),
                "Check the permissions of the file and its folder."};
    case SQLITE_IOERR:
        return {Code::Environment, fmt::format("Reading or writing {} failed: {}.", path, std::strerror(system)),
                "Check the disk; nothing that was committed is lost."};
    case SQLITE_CONSTRAINT:
        return {Code::Failed, fmt::format("A record does not fit the others ({}).", sqlite3_errmsg(m_handle)), {}};
    default:
        return {Code::Failed, fmt::format("The database {} answered: {}.", path, sqlite3_errmsg(m_handle)), {}};
    }
}

} // namespace ratchet::sqlite

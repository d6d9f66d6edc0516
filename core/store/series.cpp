// SPDX-License-Identifier: GPL-3.0-or-later
// Store: curves. Raw points keyed (series, step) and above them a min/max/last pyramid: level l has buckets of 16^l steps and
// exists once a step reaches 16^l, so that a short curve costs one or two levels.
#include <algorithm>
#include <span>

#include "core/store/store_private.h"

namespace ratchet {
namespace {

constexpr int bitsPerLevel = 4;
constexpr std::int64_t longest = std::int64_t(1) << 60;   // steps stay below, so that bucket ends do not overflow

std::int64_t widthOf(int level)
{
    return std::int64_t(1) << (bitsPerLevel * level);
}

int levelsFor(std::int64_t lastStep)
{
    int level = 0;
    while (level < 14 && lastStep >= widthOf(level + 1))
        ++level;
    return level;
}

void merge(SeriesBucket& into, const SeriesBucket& later)
{
    into.low = std::min(into.low, later.low);
    into.high = std::max(into.high, later.high);
    into.last = later.last;
    into.count += later.count;
}

// Neighbours in one aligned bucket of `width` steps become one.
std::vector<SeriesBucket> merged(std::span<const SeriesBucket> fine, std::int64_t width)
{
    std::vector<SeriesBucket> coarse;
    for (const SeriesBucket& bucket : fine) {
        const std::int64_t start = bucket.step / width * width;
        if (!coarse.empty() && coarse.back().step == start) {
            merge(coarse.back(), bucket);
        } else {
            coarse.push_back(bucket);
            coarse.back().step = start;
            coarse.back().width = width;
        }
    }
    return coarse;
}

Status checkPoints(const std::string& name, const std::vector<SeriesPoint>& points)
{
    std::int64_t last = -1;
    for (const SeriesPoint& point : points) {
        if (!std::isfinite(point.value))
            return fail(Code::BadInput, fmt::format("The value of \"{}\" at step {} is not finite.", name, point.step));
        if (point.step <= last || point.step >= longest)
            return fail(Code::BadInput, fmt::format("The steps of \"{}\" do not ascend at {}.", name, point.step));
        last = point.step;
    }
    return {};
}

struct Series { std::int64_t id = 0, points = 0, lastStep = -1; };

class Writer {
public:
    Writer(sqlite::Database& database, Series series) : m_database(database), m_series(series) {}

    Status append(std::span<const SeriesPoint> points)
    {
        RATCHET_CHECK(addLevels(points.back().step));
        std::vector<SeriesBucket> raw;
        raw.reserve(points.size());
        for (const SeriesPoint& point : points) {
            constexpr const char* sql = "INSERT INTO point (series, step, value) VALUES (?, ?, ?)";
            RATCHET_CHECK((m_database.prepare(sql) << m_series.id << point.step << point.value).run());
            raw.push_back({point.step, 1, point.value, point.value, point.value, 1});
        }
        for (int level = 1; level <= levelsFor(points.back().step); ++level)
            for (const SeriesBucket& bucket : merged(raw, widthOf(level)))
                RATCHET_CHECK(addBucket(level, bucket));
        constexpr const char* sql = "UPDATE series SET points = points + ?, last_step = ? WHERE id = ?";
        return (m_database.prepare(sql) << points.size() << points.back().step << m_series.id).run();
    }

private:
    // Levels that come to exist with `step` start with what is stored so far, which lies in their first bucket.
    Status addLevels(std::int64_t step)
    {
        constexpr const char* fromPoints =
            "INSERT INTO bucket (series, level, number, low, high, last, count) SELECT ?1, ?2, 0, min(value), max(value), "
            "(SELECT value FROM point WHERE series = ?1 ORDER BY step DESC LIMIT 1), count(*) "
            "FROM point WHERE series = ?1 HAVING count(*) > 0";
        constexpr const char* fromBuckets =
            "INSERT INTO bucket (series, level, number, low, high, last, count) SELECT ?1, ?2, 0, min(low), max(high), "
            "(SELECT last FROM bucket WHERE series = ?1 AND level = ?2 - 1 ORDER BY number DESC LIMIT 1), sum(count) "
            "FROM bucket WHERE series = ?1 AND level = ?2 - 1 HAVING count(*) > 0";
        for (int level = levelsFor(m_series.lastStep) + 1; level <= levelsFor(step); ++level)
            RATCHET_CHECK((m_database.prepare(level == 1 ? fromPoints : fromBuckets) << m_series.id << level).run());
        return {};
    }

    Status addBucket(int level, const SeriesBucket& bucket)
    {
        constexpr const char* sql =
            "INSERT INTO bucket (series, level, number, low, high, last, count) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (series, level, number) DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high), "
            "last = excluded.last, count = count + excluded.count";
        return (m_database.prepare(sql) << m_series.id << level << bucket.step / bucket.width << bucket.low << bucket.high
                                        << bucket.last << bucket.count).run();
    }

    sqlite::Database& m_database;
    Series m_series;
};

Result<Series> findOrMake(sqlite::Database& database, Id<TrialRecord> trial, const std::string& name)
{
    Series series;
    {
        sqlite::Statement find = database.prepare("SELECT id, points, last_step FROM series WHERE trial = ? AND name = ?");
        RATCHET_TRY(found, (find << trial << name).step());
        if (found) {
            find >> series.id >> series.points >> series.lastStep;
            return series;
        }
    }
    RATCHET_CHECK((database.prepare("INSERT INTO series (trial, name, points, last_step) VALUES (?, ?, 0, -1)") << trial << name).run());
    series.id = database.lastRow();
    return series;
}

// Rows of one level that touch [from, to].
Result<std::vector<SeriesBucket>> rows(sqlite::Database& database, std::int64_t series, int level, std::int64_t from, std::int64_t to)
{
    std::vector<SeriesBucket> buckets;
    if (to < from)
        return buckets;
    sqlite::Statement statement = database.prepare(
        level == 0 ? "SELECT step, value, value, value, 1 FROM point WHERE series = ?1 AND step BETWEEN ?3 AND ?4 ORDER BY step"
                   : "SELECT number, low, high, last, count FROM bucket WHERE series = ?1 AND level = ?2 "
                     "AND number BETWEEN ?3 AND ?4 ORDER BY number");
    const std::int64_t width = widthOf(level);
    statement << series << level << from / width << to / width;
    for (;;) {
        RATCHET_TRY(row, statement.step());
        if (!row)
            return buckets;
        SeriesBucket& bucket = buckets.emplace_back();
        statement >> bucket.step >> bucket.low >> bucket.high >> bucket.last >> bucket.count;
        bucket.step *= width;
        bucket.width = width;
    }
}

// The finest level with at most `limit` rows in [from, to]; counting stops at the limit.
Result<int> levelFor(sqlite::Database& database, std::int64_t series, std::int64_t from, std::int64_t to, std::size_t limit)
{
    std::int64_t lastStep = -1;
    {
        sqlite::Statement statement = database.prepare("SELECT last_step FROM series WHERE id = ?");
        RATCHET_TRY(row, (statement << series).step());
        if (row)
            statement >> lastStep;
    }
    for (int level = 0;; ++level) {
        if (level == levelsFor(lastStep))
            return level;
        sqlite::Statement statement = database.prepare(
            level == 0 ? "SELECT count(*) FROM (SELECT 1 FROM point WHERE series = ?1 AND step BETWEEN ?3 AND ?4 LIMIT ?5 + 1)"
                       : "SELECT count(*) FROM (SELECT 1 FROM bucket WHERE series = ?1 AND level = ?2 AND number BETWEEN ?3 AND ?4 "
                         "LIMIT ?5 + 1)");
        std::size_t count = 0;
        RATCHET_TRY(row, (statement << series << level << from / widthOf(level) << to / widthOf(level) << limit).step());
        if (row)
            statement >> count;
        if (count <= limit)
            return level;
    }
}

} // namespace

Status Store::addPoints(Id<TrialRecord> trial, const std::string& name, const std::vector<SeriesPoint>& points)
{
    RATCHET_CHECK(checkPoints(name, points));
    if (points.empty())
        return {};
    return d->write(Durable::No, [&]() -> Status {
        RATCHET_TRY(series, findOrMake(*d->database, trial, name));
        const auto isNew = [&](const SeriesPoint& point) { return point.step > series.lastStep; };
        const auto first = std::find_if(points.begin(), points.end(), isNew);
        if (first == points.end())
            return {};
        RATCHET_CHECK(Writer(*d->database, series).append({first, points.end()}));
        d->touch("series", std::to_string(series.id));
        return {};
    });
}

Result<std::vector<SeriesInfo>> Store::series(Id<TrialRecord> trial) const
{
    std::vector<SeriesInfo> list;
    sqlite::Statement statement = d->database->prepare("SELECT id, trial, name, points FROM series WHERE trial = ? ORDER BY name");
    statement << trial;
    for (;;) {
        RATCHET_TRY(row, statement.step());
        if (!row)
            return list;
        SeriesInfo& info = list.emplace_back();
        statement >> info.id >> info.trial >> info.name >> info.points;
    }
}

// Reads the finest level with up to 16 rows for each wanted bucket and halves the resolution until it fits; the outermost
// buckets are then completed with what they cover beyond [from, to].
Result<std::vector<SeriesBucket>> Store::points(std::int64_t series, std::int64_t from, std::int64_t to, int maxBuckets) const
{
    const auto wanted = static_cast<std::size_t>(std::max(maxBuckets, 1));
    from = std::clamp<std::int64_t>(from, 0, longest);
    to = std::clamp<std::int64_t>(to, -1, longest);
    RATCHET_TRY(level, levelFor(*d->database, series, from, to, wanted << bitsPerLevel));
    RATCHET_TRY(buckets, rows(*d->database, series, level, from, to));
    const std::int64_t fine = widthOf(level);
    std::int64_t width = fine;
    while (merged(buckets, width).size() > wanted)
        width *= 2;
    if (width == fine)
        return buckets;
    RATCHET_TRY(before, rows(*d->database, series, level, from / width * width, from / fine * fine - 1));
    RATCHET_TRY(after, rows(*d->database, series, level, to / fine * fine + fine, to / width * width + width - 1));
    before.insert(before.end(), buckets.begin(), buckets.end());
    before.insert(before.end(), after.begin(), after.end());
    return merged(before, width);
}

} // namespace ratchet

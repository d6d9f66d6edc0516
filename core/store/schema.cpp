// SPDX-License-Identifier: GPL-3.0-or-later
// Times are milliseconds since 1970 UTC, hashes 64 hexadecimal digits ('' for none), JSON is text, compute is in FLOPs.
#include "core/store/schema.h"

#include <array>

namespace ratchet {
namespace {

constexpr const char* version1 = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE version (
    hash TEXT PRIMARY KEY, parent TEXT REFERENCES version(hash), genome TEXT NOT NULL, weights TEXT NOT NULL,
    tokenizer TEXT NOT NULL, created INTEGER NOT NULL, trial INTEGER REFERENCES trial(id), generation INTEGER NOT NULL,
    parameters INTEGER NOT NULL, origin TEXT NOT NULL) STRICT;

CREATE TABLE proposal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tooth INTEGER NOT NULL, created INTEGER NOT NULL, family TEXT NOT NULL,
    operator_name TEXT NOT NULL, parent TEXT NOT NULL REFERENCES version(hash), patch TEXT NOT NULL, genome TEXT NOT NULL,
    reason TEXT NOT NULL, author TEXT NOT NULL, predicted_gain REAL NOT NULL, price REAL NOT NULL, state TEXT NOT NULL,
    state_reason TEXT NOT NULL, rank REAL NOT NULL, duplicate_of INTEGER REFERENCES proposal(id)) STRICT;
CREATE INDEX proposal_genome ON proposal(genome, parent);

CREATE TABLE trial (
    id INTEGER PRIMARY KEY AUTOINCREMENT, proposal INTEGER REFERENCES proposal(id), seed INTEGER NOT NULL,
    budget REAL NOT NULL, spent REAL NOT NULL, state TEXT NOT NULL, stage TEXT NOT NULL, failure TEXT NOT NULL,
    version TEXT, steps INTEGER NOT NULL, tokens INTEGER NOT NULL, wall INTEGER NOT NULL, peak_bytes REAL NOT NULL,
    platform TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL) STRICT;
CREATE INDEX trial_proposal ON trial(proposal);

CREATE TABLE scorecard (
    proposal INTEGER, challenger TEXT NOT NULL, champion TEXT NOT NULL, suite TEXT NOT NULL, split TEXT NOT NULL,
    retained INTEGER NOT NULL, items INTEGER NOT NULL, wins INTEGER NOT NULL, losses INTEGER NOT NULL,
    ties INTEGER NOT NULL, champion_mean REAL NOT NULL, challenger_mean REAL NOT NULL, difference REAL NOT NULL,
    low REAL NOT NULL, high REAL NOT NULL, e_value REAL NOT NULL, path TEXT NOT NULL, classes TEXT NOT NULL,
    samples TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX scorecard_question
    ON scorecard(ifnull(proposal, 0), challenger, champion, suite, split);
CREATE INDEX scorecard_challenger ON scorecard(challenger);
CREATE INDEX scorecard_champion ON scorecard(champion);

CREATE TABLE verdict (
    proposal INTEGER PRIMARY KEY REFERENCES proposal(id), challenger TEXT NOT NULL, champion TEXT NOT NULL,
    verdict TEXT NOT NULL, k INTEGER NOT NULL, alpha REAL NOT NULL, e_value REAL NOT NULL, threshold REAL NOT NULL,
    pairs INTEGER NOT NULL, discordant INTEGER NOT NULL, reason TEXT NOT NULL, integrity TEXT NOT NULL,
    created INTEGER NOT NULL) STRICT;

CREATE TABLE decision (
    id INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT NOT NULL REFERENCES version(hash), kind TEXT NOT NULL,
    actor TEXT NOT NULL, reason TEXT NOT NULL, binding TEXT NOT NULL, created INTEGER NOT NULL) STRICT;

CREATE TABLE deployment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT NOT NULL REFERENCES version(hash),
    previous TEXT REFERENCES version(hash), decision INTEGER REFERENCES decision(id), kind TEXT NOT NULL,
    actor TEXT NOT NULL, reason TEXT NOT NULL, created INTEGER NOT NULL) STRICT;

CREATE TABLE lesson (
    family TEXT NOT NULL, operator_name TEXT NOT NULL, tried INTEGER NOT NULL, accepted INTEGER NOT NULL,
    failed INTEGER NOT NULL, mean_gain REAL NOT NULL, variance_gain REAL NOT NULL, cost REAL NOT NULL,
    predicted_error REAL NOT NULL, updated INTEGER NOT NULL, PRIMARY KEY (family, operator_name)) STRICT;

CREATE TABLE goal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES goal(id), title TEXT NOT NULL, suite TEXT NOT NULL,
    metric TEXT NOT NULL, higher_is_better INTEGER NOT NULL, target REAL NOT NULL, value REAL NOT NULL,
    state TEXT NOT NULL, price REAL NOT NULL, spent REAL NOT NULL, note TEXT NOT NULL) STRICT;

CREATE TABLE failure (
    version TEXT NOT NULL, suite TEXT NOT NULL, failure_class TEXT NOT NULL, question TEXT NOT NULL, prompt TEXT NOT NULL,
    expected TEXT NOT NULL, answer TEXT NOT NULL, confidence REAL NOT NULL, created INTEGER NOT NULL,
    UNIQUE (version, suite, prompt)) STRICT;

CREATE TABLE outcome (
    id INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT NOT NULL, prompt TEXT NOT NULL, completion TEXT NOT NULL,
    correction TEXT NOT NULL, rating REAL NOT NULL, question TEXT, created INTEGER NOT NULL) STRICT;

CREATE TABLE tooth (
    number INTEGER PRIMARY KEY, stage TEXT NOT NULL, state TEXT NOT NULL, started INTEGER NOT NULL,
    ended INTEGER NOT NULL) STRICT;

CREATE TABLE series (
    id INTEGER PRIMARY KEY, trial INTEGER NOT NULL REFERENCES trial(id), name TEXT NOT NULL, points INTEGER NOT NULL,
    last_step INTEGER NOT NULL, UNIQUE (trial, name)) STRICT;
CREATE TABLE point (
    series INTEGER NOT NULL, step INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (series, step)) STRICT, WITHOUT ROWID;
-- The bucket `number` of `level` covers the steps [number * 16^level, (number + 1) * 16^level).
CREATE TABLE bucket (
    series INTEGER NOT NULL, level INTEGER NOT NULL, number INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
    last REAL NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (series, level, number)) STRICT, WITHOUT ROWID;

CREATE TABLE layer (
    trial INTEGER NOT NULL REFERENCES trial(id), step INTEGER NOT NULL, position INTEGER NOT NULL, layer TEXT NOT NULL,
    statistics TEXT NOT NULL, histogram TEXT NOT NULL, PRIMARY KEY (trial, step, position)) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (seq INTEGER PRIMARY KEY, line TEXT NOT NULL, hash TEXT NOT NULL) STRICT;

CREATE TABLE change (seq INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, ref TEXT NOT NULL) STRICT;
)sql";

// Answers by request, instead of the newest one only; where the ledger ends, kept with each entry.
constexpr const char* version2 = R"sql(
CREATE TABLE answer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, ok INTEGER NOT NULL,
    code TEXT NOT NULL, text TEXT NOT NULL, hint TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
DELETE FROM meta WHERE key = 'last-request';
INSERT INTO meta SELECT 'ledger-head', json_object('entries', seq, 'hash', hash) FROM ledger ORDER BY seq DESC LIMIT 1;
)sql";

// Suites that only show something; how far answers are as right as they are sure; what came back of a lesson's gains.
constexpr const char* version3 = R"sql(
ALTER TABLE scorecard ADD COLUMN probe INTEGER NOT NULL DEFAULT 0;
ALTER TABLE scorecard ADD COLUMN calibration TEXT NOT NULL DEFAULT 'null';
ALTER TABLE lesson ADD COLUMN replicated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lesson ADD COLUMN nominal_gain REAL NOT NULL DEFAULT 0;
ALTER TABLE lesson ADD COLUMN replicated_gain REAL NOT NULL DEFAULT 0;
)sql";

// What was seen of a trial half way, and what it told of its data; models of what is a right answer.
constexpr const char* version4 = R"sql(
ALTER TABLE trial ADD COLUMN proxy TEXT NOT NULL DEFAULT 'null';
ALTER TABLE trial ADD COLUMN report TEXT NOT NULL DEFAULT 'null';
CREATE TABLE reward (
    id INTEGER PRIMARY KEY AUTOINCREMENT, genome TEXT NOT NULL, weights TEXT NOT NULL, report TEXT NOT NULL,
    spent REAL NOT NULL, created INTEGER NOT NULL) STRICT;
)sql";

// A verdict for each time that a proposal was judged, with the number of looks it took; how far scores and paired differences
// lie apart from item to item; what a version's optimizer held at the end; what a lesson's measurements weigh, of those of before one each.
constexpr const char* version5 = R"sql(
CREATE TABLE verdict_of_question (
    proposal INTEGER NOT NULL REFERENCES proposal(id), challenger TEXT NOT NULL, champion TEXT NOT NULL,
    verdict TEXT NOT NULL, k INTEGER NOT NULL, alpha REAL NOT NULL, e_value REAL NOT NULL, threshold REAL NOT NULL,
    pairs INTEGER NOT NULL, discordant INTEGER NOT NULL, reason TEXT NOT NULL, integrity TEXT NOT NULL,
    created INTEGER NOT NULL, looks INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (proposal, k)) STRICT;
INSERT INTO verdict_of_question SELECT proposal, challenger, champion, verdict, k, alpha, e_value, threshold, pairs,
    discordant, reason, integrity, created, 0 FROM verdict;
DROP TABLE verdict;
ALTER TABLE verdict_of_question RENAME TO verdict;
ALTER TABLE version ADD COLUMN moments TEXT;
ALTER TABLE scorecard ADD COLUMN challenger_deviation REAL;
ALTER TABLE scorecard ADD COLUMN difference_deviation REAL;
ALTER TABLE lesson ADD COLUMN weight REAL NOT NULL DEFAULT 0;
ALTER TABLE lesson ADD COLUMN weight_squares REAL NOT NULL DEFAULT 0;
UPDATE lesson SET weight = tried - failed, weight_squares = tried - failed;
)sql";

// Scorecards of each time that a proposal was judged. They were written just before their verdict; those whose verdict was replaced
// by one against another champion belong to no question any more.
constexpr const char* version6 = R"sql(
ALTER TABLE scorecard ADD COLUMN k INTEGER NOT NULL DEFAULT 0;
UPDATE scorecard SET k = ifnull((SELECT min(verdict.k) FROM verdict WHERE verdict.proposal = scorecard.proposal
        AND verdict.challenger = scorecard.challenger AND verdict.champion = scorecard.champion
        AND verdict.created >= scorecard.created), 0)
    WHERE split <> 'vault';
DROP INDEX scorecard_question;
CREATE UNIQUE INDEX scorecard_question
    ON scorecard(ifnull(proposal, 0), k, challenger, champion, suite, split);
)sql";

constexpr std::array<Migration, 6> list{
    {{1, version1}, {2, version2}, {3, version3}, {4, version4}, {5, version5}, {6, version6}}};

} // namespace

std::span<const Migration> migrations()
{
    return list;
}

} // namespace ratchet

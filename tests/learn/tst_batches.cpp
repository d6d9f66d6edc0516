// SPDX-License-Identifier: GPL-3.0-or-later
// What a batch is made of: pools and older levels in their shares, short items first, rows of similar length, nothing
// twice and nothing a judge may ask.
#include <QTest>

#include <map>
#include <set>

#include "core/model/compat.h"
#include "core/trainer/batches.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace
{

const Tokenizer tokenizer("abcdefgh=");

Genome longWords()
{
    Genome genome = toy::LastLetter().seedGenome();
    genome.data.mixture = {{"longest", 12}};
    return genome;
}

std::vector<Example> examples(const std::vector<std::string>& words)
{
    std::vector<Example> list;
    for (const std::string& word : words)
        list.push_back({word + "=", word.substr(word.size() - 1)});
    return list;
}

// Tokens of a row before the padding.
std::int64_t lengthOf(const Batch& batch, std::int64_t row, std::int64_t pad)
{
    return batch.inputs[row].ne(pad).sum().item<std::int64_t>();
}

} // namespace

class BatchesTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void lossIsTakenOnTheAnswerOnly();
    void olderLevelsShareWhatIsLeft();
    void shortItemsComeFirst();
    void bucketsHoldRowsOfSimilarLength();
    void aBucketDoesNotDependOnWhatWasDrawnBefore();
    void nothingIsTwiceInThePools();
    void nothingAJudgeMayAskIsTrainedOn();
};

void BatchesTest::lossIsTakenOnTheAnswerOnly()
{
    const toy::LastLetter world;
    auto batches = Batches::create(longWords(), world, 1, {}, tokenizer);
    QVERIFY(batches);
    QCOMPARE(batches->length(), 14);
    const auto batch = batches->draw(0, 10);
    QVERIFY(batch);
    for (std::int64_t row = 0; row < 16; ++row) // the letter and the end token
        QCOMPARE(batch->targets[row].ne(-100).sum().item<std::int64_t>(), 2);
}

void BatchesTest::olderLevelsShareWhatIsLeft()
{
    const toy::LastLetter world;
    Genome genome = longWords();
    genome.recipe.batch = 400;
    genome.data.selfTraining = 0.5;
    genome.data.level = 1;
    Pools pools;
    pools.selfTraining = examples({"aaaaaaaaaaaaab"});
    pools.older = {examples({"bbbbbbbbbbbbbc"})};
    auto batches = Batches::create(genome, world, 1, pools, tokenizer);
    QVERIFY2(batches, batches ? "" : batches.error().text.c_str());
    std::map<bool, int> newest, older;
    for (int step = 0; step < 10; ++step) {
        const auto batch = batches->draw(step, 10);
        QVERIFY(batch);
        for (std::int64_t row = 0; row < 400; ++row) {
            const bool isLong = lengthOf(*batch, row, tokenizer.pad()) == 16;
            const auto first = batch->inputs[row][0].item<std::int64_t>();
            ++newest[isLong && first == 0];
            ++older[isLong && first == 1];
        }
    }
    // Of 4000 rows half and a quarter; 200 and 160 are over six standard deviations.
    QVERIFY2(std::abs(newest[true] - 2000) < 200, qPrintable(QString::number(newest[true])));
    QVERIFY2(std::abs(older[true] - 1000) < 170, qPrintable(QString::number(older[true])));
}

void BatchesTest::shortItemsComeFirst()
{
    const toy::LastLetter world;
    Genome genome = longWords();
    genome.data.curriculum = 0.5;
    auto batches = Batches::create(genome, world, 1, {}, tokenizer);
    QVERIFY(batches);
    std::vector<std::int64_t> longest;
    for (const int step : {0, 20, 49, 50, 90}) {
        const auto batch = batches->draw(step, 100);
        QVERIFY(batch);
        longest.push_back(0);
        for (std::int64_t row = 0; row < 16; ++row)
            longest.back() = std::max(longest.back(), lengthOf(*batch, row, tokenizer.pad()));
    }
    QVERIFY2(longest[0] <= 4, qPrintable(QString::number(longest[0])));  // a tenth of the items: two letters
    QVERIFY2(longest[1] <= 11, qPrintable(QString::number(longest[1]))); // c(0.4) = 0.64
    QVERIFY(longest[0] < longest[1] && longest[1] <= longest[2]);
    QVERIFY(longest[3] >= 12 && longest[4] >= 12);
    QVERIFY(!batches->curriculum().isOver(0.49) && batches->curriculum().isOver(0.5));
}

void BatchesTest::bucketsHoldRowsOfSimilarLength()
{
    const toy::LastLetter world;
    Genome genome = longWords();
    genome.data.bucketing = true;
    auto batches = Batches::create(genome, world, 1, {}, tokenizer);
    QVERIFY(batches);
    std::set<std::int64_t> columns;
    std::int64_t padding = 0, cells = 0;
    for (int step = 0; step < 8; ++step) {
        const auto batch = batches->draw(step, 8);
        QVERIFY(batch);
        columns.insert(batch->inputs.size(1));
        padding += batch->inputs.eq(tokenizer.pad()).sum().item<std::int64_t>();
        cells += batch->inputs.numel();
    }
    QVERIFY(columns.size() >= 5);
    QVERIFY2(padding * 10 < cells, qPrintable(QString("%1 of %2").arg(padding).arg(cells)));
}

void BatchesTest::aBucketDoesNotDependOnWhatWasDrawnBefore()
{
    const toy::LastLetter world;
    Genome genome = longWords();
    genome.data.bucketing = true;
    genome.data.curriculum = 0.5;
    auto once = Batches::create(genome, world, 1, {}, tokenizer),
         again = Batches::create(genome, world, 1, {}, tokenizer);
    QVERIFY(once && again);
    for (int step = 0; step < 13; ++step)
        QVERIFY(once->draw(step, 40));
    const auto a = once->draw(13, 40), b = again->draw(13, 40);
    QVERIFY(a && b && at::equal(a->inputs, b->inputs) && at::equal(a->targets, b->targets));
}

void BatchesTest::nothingIsTwiceInThePools()
{
    Pools pools;
    pools.replay = examples({"ab", "ab", "cd"});
    pools.feedback = {{"cd=", "c"}};
    pools.selfTraining = examples({"ab", "ef", "eg"});
    pools.older = {examples({"eg", "ba"}), examples({"ba", "ef"})};
    removeDuplicates(pools);
    QCOMPARE(pools.feedback.size(), std::size_t(1));
    QCOMPARE(pools.replay.size(), std::size_t(1)); // "cd" was corrected, "ab" stands once
    QCOMPARE(pools.selfTraining.size(), std::size_t(2));
    QCOMPARE(pools.older[1].size(), std::size_t(1)); // the newer of the two has it
    QCOMPARE(pools.older[0].size(), std::size_t(0));
    QCOMPARE(pools.duplicates, 6);
}

void BatchesTest::nothingAJudgeMayAskIsTrainedOn()
{
    const toy::LastLetter world;
    TrainSpec spec;
    spec.replay = {Json{{"letter", "ab"}}, Json{{"letter", "ha"}}};
    spec.feedback = {Json{{"question", {{"letter", "hb"}}}, {"answer", "b"}},
                     Json{{"question", {{"letter", "cb"}}}, {"answer", "b"}}};
    Genome genome = world.seedGenome();
    const Pools unused = poolsOf(spec, genome, world); // nothing is drawn from them
    QVERIFY(unused.replay.empty() && unused.feedback.empty());
    genome.data.replay = genome.data.feedback = 0.25;
    const Pools pools = poolsOf(spec, genome, world);
    QCOMPARE(pools.contaminated, 2);
    QCOMPARE(pools.replay.size(), std::size_t(1));
    QCOMPARE(pools.replay[0].prompt, std::string("ab="));
    QCOMPARE(pools.feedback.size(), std::size_t(1));
    QCOMPARE(pools.feedback[0].prompt, std::string("cb="));
}

QTEST_GUILESS_MAIN(BatchesTest)
#include "tst_batches.moc"

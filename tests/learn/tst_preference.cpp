// SPDX-License-Identifier: GPL-3.0-or-later
// Learning from pairs of answers where the truth is known: a parent that was taught two answers to every letter, of
// which the checker takes one; what becomes a pair and what does not; budget and resumption.
#include <QTemporaryDir>
#include <QTest>

#include <cmath>

#include "core/base/file.h"
#include "core/genome/cost.h"
#include "core/model/compat.h"
#include "core/trainer/batches.h"
#include "core/trainer/preferences.h"
#include "core/trainer/trainer.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace {

constexpr int vocabulary = 11, length = 3;

// The letter and its neighbour were trained as often as answers; only the letter is right.
std::vector<Json> neighbours()
{
    std::vector<Json> list;
    for (char letter = 'a'; letter <= 'h'; ++letter)
        list.push_back({{"question", {{"letter", std::string(1, letter)}}},
                        {"answer", std::string(1, letter == 'h' ? 'a' : static_cast<char>(letter + 1))}});
    return list;
}

double budgetOf(const Genome& genome, double steps)
{
    return (steps + 0.5) * genome.recipe.batch * length * trainingFlops(genome.architecture, vocabulary, length).value;
}

// "+.6" is right with confidence .6, "-" wrong, "!" without an end.
ModelReplies repliesFrom(const QString& text)
{
    ModelReplies replies;
    for (const QString& part : text.split(' ', Qt::SkipEmptyParts)) {
        ModelReply reply;
        reply.completion = part.toStdString();
        reply.score = part.startsWith('+') ? 1 : 0;
        reply.ended = !part.endsWith('!');
        reply.confidence = part.mid(1).remove('!').toDouble();
        replies.push_back(reply);
    }
    return replies;
}

// Draws to train on what is judged.
class Leaking : public toy::LastLetter {
public:
    Item drawTraining(const Data&, Rng&) const override { return {"hah", Json{{"letter", "hah"}}}; }
};

// Another world than the parent learnt: the letter four further on.
class Far : public toy::Copy {
public:
    Grade grade(const Item& item, std::string_view completion, const Reasoning&) const override
    {
        const std::string right = shifted(item.question["letter"], 4);
        return {completion == right ? 1.0 : 0.0, completion == right ? "" : "wrong", std::string(completion), right};
    }
};

std::string bytesOf(const std::string& file)
{
    return readFile(file).value_or(std::string());
}

} // namespace

class PreferenceTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void theSurestAnswersAreContrasted_data();
    void theSurestAnswersAreContrasted();
    void pairsAreARightAndAWrongAnswer();
    void failuresAreAskedFirst();
    void whatUsersPreferIsTaken();
    void whatCannotBeLearntFromIsCounted();
    void nothingToLearnFromIsAFailure_data();
    void nothingToLearnFromIsAFailure();
    void anItemOfTheJudgeIsAFailure();
    void aBatchIsShared_data();
    void aBatchIsShared();
    void theRightAnswerWins_data();
    void theRightAnswerWins();
    void theFirstStepIsTheParent();
    void theBudgetHolds_data();
    void theBudgetHolds();
    void resumedEqualsUninterrupted_data();
    void resumedEqualsUninterrupted();
    void aParentMustFit();

private:
    [[nodiscard]] Result<Preferences> collected(const TrainSpec& spec, const Genome& child, std::uint64_t seed = 9,
                                                double flops = 1e9, std::size_t pairs = 200) const;
    [[nodiscard]] TrainSpec specOf(const Genome& child, const QTemporaryDir& folder, double steps) const;
    [[nodiscard]] Genome child(double preference) const;

    toy::Copy m_world;
    Tokenizer m_tokenizer{"abcdefgh="};
    QTemporaryDir m_folder;
    Genome m_genome;
    std::string m_weights;
    std::unique_ptr<Answerer> m_parent;
};

void PreferenceTest::initTestCase()
{
    prepareProcess();
    m_genome = m_world.seedGenome();
    m_genome.data.feedback = 0.5;
    TrainSpec spec;
    spec.seed = 4;
    spec.genome = m_genome.toJson();
    spec.feedback = neighbours();
    spec.budgetFlops = budgetOf(m_genome, 300);
    spec.scratch = m_folder.path().toStdString();
    auto trainer = Trainer::create(spec, m_world);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    const auto trained = (*trainer)->run();
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    m_weights = trained->weights;
    auto parent = Answerer::load(m_genome, m_weights, m_world);
    QVERIFY(parent);
    m_parent = std::move(*parent);
}

Genome PreferenceTest::child(double preference) const
{
    Genome child = m_genome;
    child.recipe.start = "continue";
    child.recipe.preference = preference;
    return child;
}

TrainSpec PreferenceTest::specOf(const Genome& child, const QTemporaryDir& folder, double steps) const
{
    TrainSpec spec;
    spec.seed = 7;
    spec.genome = child.toJson();
    spec.parentGenome = m_genome.toJson();
    spec.parentWeights = m_weights;
    spec.feedback = neighbours();
    spec.budgetFlops = budgetOf(child, steps);
    spec.scratch = folder.path().toStdString();
    return spec;
}

Result<Preferences> PreferenceTest::collected(const TrainSpec& spec, const Genome& child, std::uint64_t seed,
                                              double flops, std::size_t pairs) const
{
    return collectPreferences({m_parent.get(), m_genome}, spec, child, m_world, m_tokenizer, {seed, pairs, flops});
}

void PreferenceTest::theSurestAnswersAreContrasted_data()
{
    QTest::addColumn<QString>("replies");
    QTest::addColumn<QString>("right");
    QTest::addColumn<QString>("wrong");
    const auto row = [](const char* name, const char* replies, const char* right, const char* wrong) {
        QTest::addRow("%s", name) << replies << right << wrong;
    };
    row("one of each", "+.5 -.4", "+.5", "-.4");
    row("the surest of each", "+.5 -.4 +.6 -.2 -.9 +.1", "+.6", "-.9");
    row("the first of equals", "-.4 +.5 -.4 +.5", "+.5", "-.4");
    row("right ones only", "+.5 +.4", "+.5", "");
    row("wrong ones only", "-.5 -.4", "", "-.5");
    row("what has no end is no answer", "+.9! +.5 -.8! -.3", "+.5", "-.3");
    row("none", "", "", "");
}

void PreferenceTest::theSurestAnswersAreContrasted()
{
    QFETCH(QString, replies);
    QFETCH(QString, right);
    QFETCH(QString, wrong);
    const ModelReplies list = repliesFrom(replies);
    const Contrast contrast = contrastOf(list);
    QCOMPARE(contrast.right ? QString::fromStdString(contrast.right->completion) : QString(), right);
    QCOMPARE(contrast.wrong ? QString::fromStdString(contrast.wrong->completion) : QString(), wrong);
}

void PreferenceTest::pairsAreARightAndAWrongAnswer()
{
    const auto result = collected({}, child(0.5));
    QVERIFY2(result, result ? "" : result.error().text.c_str());
    QCOMPARE(result->pairs.size(), std::size_t(200));
    int neighbour = 0;
    for (const Preference& pair : result->pairs) {
        QCOMPARE(pair.chosen.prompt, pair.rejected.prompt);
        QCOMPARE(pair.chosen.completion, pair.chosen.prompt.substr(0, 1));
        QVERIFY(pair.rejected.completion != pair.chosen.completion);
        neighbour += pair.rejected.completion[0] == 'a' + (pair.chosen.completion[0] - 'a' + 1) % 8 ? 1 : 0;
    }
    QVERIFY2(neighbour > 180, qPrintable(QString::number(neighbour))); // which is what else it was taught
    QCOMPARE(result->report["graded"].get<int>(), 200);
    QCOMPARE(result->report["users"].get<int>(), 0);
    QCOMPARE(result->report["samples"].get<int>(), 4);
    // Two answers as likely are both among four with probability 7/8.
    const double mixed = result->report["mixed"].get<double>();
    QVERIFY2(mixed > 0.7 && mixed <= 1, qPrintable(QString::number(mixed)));
    QVERIFY(result->flops > 0 && result->flops <= 1e9);
    const auto again = collected({}, child(0.5)), other = collected({}, child(0.5), 10);
    QVERIFY(again && other);
    const auto textOf = [](const Preferences& preferences) {
        std::string text;
        for (const Preference& pair : preferences.pairs)
            text += pair.chosen.prompt + pair.rejected.completion;
        return text;
    };
    QCOMPARE(textOf(*again), textOf(*result));
    QVERIFY(textOf(*other) != textOf(*result));
}

void PreferenceTest::failuresAreAskedFirst()
{
    TrainSpec spec;
    spec.replay.assign(300, Json{{"letter", "c"}});
    const auto result = collected(spec, child(0.5), 9, 1e9, 100);
    QVERIFY(result);
    for (const Preference& pair : result->pairs)
        QCOMPARE(pair.chosen.prompt, std::string("c="));
}

// A text has no checker: what users say is all there is.
void PreferenceTest::whatUsersPreferIsTaken()
{
    const toy::Copy text(Measure::BitsPerByte);
    TrainSpec spec;
    spec.preferences = {Json{{"question", {{"letter", "a"}}}, {"chosen", "c"}, {"rejected", "d"}}};
    const auto result =
        collectPreferences({m_parent.get(), m_genome}, spec, child(0.5), text, m_tokenizer, {1, 10, 1e12});
    QVERIFY2(result, result ? "" : result.error().text.c_str());
    QCOMPARE(result->pairs.size(), std::size_t(1));
    QCOMPARE(result->pairs[0].chosen.completion, std::string("c"));
    QCOMPARE(result->pairs[0].rejected.completion, std::string("d"));
    QCOMPARE(result->flops, 0.0);
    QCOMPARE(result->report["users"].get<int>(), 1);
}

void PreferenceTest::whatCannotBeLearntFromIsCounted()
{
    const toy::LastLetter world;
    const auto pair = [](const char* word, const char* chosen, const char* rejected) {
        return Json{{"question", {{"letter", word}}}, {"chosen", chosen}, {"rejected", rejected}};
    };
    TrainSpec spec;
    spec.preferences = {pair("ab", "b", "c"),
                        Json{{"question", {{"number", 7}}}, {"chosen", "a"}, {"rejected", "b"}}, // unreadable
                        pair("ab", "b", "cc"),                                                   // no letter
                        pair("ab", "b", "z"),                                                    // not in the alphabet
                        pair("ab", "b", "b"),
                        pair("hab", "b", "c"),                                                   // the gate's
                        pair("aaaaaaaaaaaaaaaaaaaaaaaaaaab", "b", "c")};
    const auto result = collectPreferences({m_parent.get(), m_genome}, spec, child(0.5), world, m_tokenizer, {1, 10, 0});
    QVERIFY2(result, result ? "" : result.error().text.c_str());
    QCOMPARE(result->pairs.size(), std::size_t(1));
    QCOMPARE(result->report["leftOut"],
             Json({{"unreadable", 1}, {"unwritable", 2}, {"equal", 1}, {"judged", 1}, {"long", 1}}));
    spec.preferences.erase(spec.preferences.begin());
    const auto nothing = collectPreferences({m_parent.get(), m_genome}, spec, child(0.5), world, m_tokenizer, {1, 10, 0});
    QVERIFY(!nothing);
    QVERIFY2(nothing.error().text.find("of 6 that users gave all were left out") != std::string::npos,
             nothing.error().text.c_str());
    QVERIFY(nothing.error().text.find("does not pay for asking") != std::string::npos);
}

void PreferenceTest::nothingToLearnFromIsAFailure_data()
{
    QTest::addColumn<QString>("world");
    QTest::addColumn<double>("flops");
    QTest::addColumn<QString>("why");
    QTest::addRow("no checker and no users") << "text" << 1e9 << "the domain has no checker";
    QTest::addRow("no budget for asking") << "copy" << 0.0 << "does not pay";
    QTest::addRow("a parent that is never right") << "far" << 1e9 << "0 have both";
}

void PreferenceTest::nothingToLearnFromIsAFailure()
{
    QFETCH(QString, world);
    QFETCH(double, flops);
    QFETCH(QString, why);
    const toy::Copy text(Measure::BitsPerByte);
    const Far far;
    const Domain* const domain = world == "text" ? &text : world == "far" ? static_cast<const Domain*>(&far) : &m_world;
    const auto result =
        collectPreferences({m_parent.get(), m_genome}, {}, child(0.5), *domain, m_tokenizer, {1, 10, flops});
    QVERIFY(!result);
    QCOMPARE(result.error().code, Code::Failed);
    QVERIFY2(result.error().text.find(why.toStdString()) != std::string::npos, result.error().text.c_str());
}

void PreferenceTest::anItemOfTheJudgeIsAFailure()
{
    const auto result =
        collectPreferences({m_parent.get(), m_genome}, {}, child(0.5), Leaking(), m_tokenizer, {1, 10, 1e9});
    QVERIFY(!result);
    QVERIFY2(result.error().text.find("\"hah\"") != std::string::npos, result.error().text.c_str());
}

void PreferenceTest::aBatchIsShared_data()
{
    QTest::addColumn<double>("preference");
    QTest::addColumn<int>("batch");
    QTest::addColumn<int>("parts");
    QTest::addColumn<int>("pairs");
    const auto row = [](const char* name, double preference, int batch, int parts, int pairs) {
        QTest::addRow("%s", name) << preference << batch << parts << pairs;
    };
    row("none", 0, 16, 1, 0);
    row("half of the rows", 0.5, 16, 1, 4);
    row("a fifth of them", 0.2, 32, 1, 3);
    row("whole pairs in each part", 0.5, 16, 4, 4);
    row("one pair at least", 0.01, 16, 1, 1);
    row("a row is left for labels", 0.99, 16, 1, 7);
    row("nothing else", 1, 16, 2, 8);
    row("the smallest part", 0.9, 9, 3, 3);
}

void PreferenceTest::aBatchIsShared()
{
    QFETCH(double, preference);
    QFETCH(int, batch);
    QFETCH(int, parts);
    QFETCH(int, pairs);
    Genome genome = child(preference);
    genome.recipe.batch = batch;
    genome.recipe.accumulation = parts;
    QVERIFY(Genome::fromJson(genome.toJson()));
    QCOMPARE(pairsOfStep(genome.recipe), pairs);
    Pools pools;
    pools.pairs = {{{"a=", "a"}, {"a=", "b"}}};
    auto batches = Batches::create(genome, m_world, 1, pools, m_tokenizer);
    QVERIFY(batches);
    const auto rows = batches->draw(0, 10), ofPairs = batches->pairRows(batches->drawPairs(0), Padding::AsTrained);
    QVERIFY(rows && ofPairs);
    QCOMPARE(ofPairs->inputs.size(0), 2 * pairs);
    QCOMPARE(rows->inputs.size(0) + ofPairs->inputs.size(0), batch);
}

void PreferenceTest::theRightAnswerWins_data()
{
    QTest::addColumn<double>("preference");
    QTest::addColumn<double>("beta");
    QTest::addColumn<bool>("lora");
    QTest::addRow("preferences alone") << 1.0 << 0.1 << false;
    QTest::addRow("beside labels that say either") << 0.5 << 1.0 << false;
    QTest::addRow("in low rank") << 1.0 << 0.1 << true;
}

// The labels stay torn between two answers, so whatever makes the right one win are the pairs. Without the labels the right
// one wins over the wrong one, and both may lose to a third (likelihood displacement, Razin 2024, arXiv 2410.08847).
void PreferenceTest::theRightAnswerWins()
{
    QFETCH(double, preference);
    QFETCH(double, beta);
    QFETCH(bool, lora);
    Genome genome = child(preference);
    genome.recipe.preferenceBeta = beta;
    genome.recipe.learningRate = 1e-3;
    if (lora)
        genome.adaptation.method = "lora";
    const QTemporaryDir folder;
    const TrainSpec spec = specOf(genome, folder, 200);
    auto trainer = Trainer::create(spec, m_world);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    const auto trained = (*trainer)->run();
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    const Json& report = trained->preference;
    const double before = report["before"]["right"].get<double>();
    QVERIFY2(before > 0.1 && before < 0.9, report.dump().c_str()); // the parent does not know which of the two
    QVERIFY2(report["after"]["right"].get<double>() > 0.99, report.dump().c_str());
    QVERIFY2(report["after"]["margin"].get<double>() > report["before"]["margin"].get<double>() + 1, report.dump().c_str());
    if (preference == 1)
        return;
    const auto model = Answerer::load(genome, trained->weights, m_world);
    QVERIFY(model);
    const auto answers = (*model)->answer({"a=", "b=", "c=", "d=", "e=", "f=", "g=", "h="});
    QVERIFY(answers);
    for (std::size_t i = 0; i < answers->size(); ++i) {
        QCOMPARE((*answers)[i].completion, std::string(1, static_cast<char>('a' + i)));
        QVERIFY2((*answers)[i].confidence > 0.6, qPrintable(QString::number((*answers)[i].confidence)));
    }
}

// Before the first update the model is its own reference: every reward is 0 and the loss log 2.
void PreferenceTest::theFirstStepIsTheParent()
{
    const QTemporaryDir folder;
    std::vector<Points> seen;
    TrainEvents events;
    events.onPoints = [&seen](const Points& points) { seen.push_back(points); };
    auto trainer = Trainer::create(specOf(child(1), folder, 50), m_world, events);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    QVERIFY((*trainer)->advance(1));
    QCOMPARE(seen.size(), std::size_t(1));
    QCOMPARE(seen[0].values[0].first, std::string("loss"));
    QVERIFY2(std::abs(seen[0].values[0].second - std::log(2)) < 1e-5, qPrintable(QString::number(seen[0].values[0].second)));
    QCOMPARE(seen[0].values[3].first, std::string("preference-right"));
}

void PreferenceTest::theBudgetHolds_data()
{
    QTest::addColumn<double>("preference");
    QTest::addColumn<double>("steps");
    QTest::addColumn<bool>("bucketing");
    for (const double preference : {0.5, 1.0})
        for (const double steps : {4.0, 40.0, 300.0})
            for (const bool bucketing : {false, true})
                QTest::addRow("preference %g, %g steps%s", preference, steps, bucketing ? ", buckets" : "")
                    << preference << steps << bucketing;
}

// As the engine counts: never more than the budget, never less than the tokens cost, and tokens that fill the steps.
void PreferenceTest::theBudgetHolds()
{
    QFETCH(double, preference);
    QFETCH(double, steps);
    QFETCH(bool, bucketing);
    Genome genome = child(preference);
    genome.data.bucketing = bucketing;
    const QTemporaryDir folder;
    TrainSpec spec = specOf(genome, folder, steps);
    spec.preferences = {Json{{"question", {{"letter", "a"}}}, {"chosen", "a"}, {"rejected", "b"}}};
    auto trainer = Trainer::create(spec, m_world);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    const auto trained = (*trainer)->run();
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    QVERIFY2(trained->flops <= spec.budgetFlops, qPrintable(QString::number(trained->flops / spec.budgetFlops)));
    QVERIFY2(steps < 40 || trained->flops > 0.9 * spec.budgetFlops, qPrintable(QString::number(trained->flops / spec.budgetFlops)));
    const double counted = double(trained->tokens) *
                           trainingFlops(genome.architecture, vocabulary, static_cast<int>(trained->length)).value;
    QVERIFY(trained->flops > counted); // pairs and looks at them
    QVERIFY(trained->tokens >= trained->steps * genome.recipe.batch * (bucketing ? 1 : trained->length));
    QVERIFY2(trained->steps >= 0.6 * steps && trained->steps <= steps, qPrintable(QString::number(trained->steps)));
    QCOMPARE(trained->preference["users"].get<int>(), 1);
}

void PreferenceTest::resumedEqualsUninterrupted_data()
{
    QTest::addColumn<bool>("bucketing");
    QTest::addColumn<bool>("lora");
    QTest::addRow("rows of one length") << false << false;
    QTest::addRow("buckets") << true << false;
    QTest::addRow("low rank") << false << true;
}

void PreferenceTest::resumedEqualsUninterrupted()
{
    QFETCH(bool, bucketing);
    QFETCH(bool, lora);
    Genome genome = child(0.5);
    genome.recipe.accumulation = 2;
    genome.recipe.dropout = 0.1;
    genome.recipe.ema = 0.9;
    genome.data.bucketing = bucketing;
    genome.data.deduplicate = true;
    if (lora)
        genome.adaptation.method = "lora";
    const QTemporaryDir once, twice;
    auto whole = Trainer::create(specOf(genome, once, 60), m_world);
    QVERIFY2(whole, whole ? "" : whole.error().text.c_str());
    const auto uninterrupted = (*whole)->run();
    QVERIFY2(uninterrupted, uninterrupted ? "" : uninterrupted.error().text.c_str());
    for (const int steps : {7, 13}) {
        auto part = Trainer::create(specOf(genome, twice, 60), m_world);
        QVERIFY(part && (*part)->advance(steps) && (*part)->keepCheckpoint());
    }
    TrainEvents watching; // looking must not change anything
    watching.onObservation = [](const Observation& seen) { QVERIFY(!seen.layers.empty()); };
    auto rest = Trainer::create(specOf(genome, twice, 60), m_world, watching);
    QVERIFY(rest);
    QCOMPARE((*rest)->step(), 20);
    const auto resumed = (*rest)->run();
    QVERIFY(resumed);
    QCOMPARE(resumed->flops, uninterrupted->flops);
    QCOMPARE(resumed->preference, uninterrupted->preference);
    const std::string expected = bytesOf(uninterrupted->weights);
    QVERIFY(!expected.empty());
    QVERIFY(expected == bytesOf(resumed->weights));
    TrainSpec other = specOf(genome, twice, 60); // other pairs, another trial
    other.preferences = {Json{{"question", {{"letter", "a"}}}, {"chosen", "a"}, {"rejected", "b"}}};
    auto afresh = Trainer::create(other, m_world);
    QVERIFY(afresh);
    QCOMPARE((*afresh)->step(), 0);
}

void PreferenceTest::aParentMustFit()
{
    const QTemporaryDir folder;
    TrainSpec spec = specOf(child(0.5), folder, 50);
    spec.parentWeights.clear();
    const auto orphan = Trainer::create(spec, m_world);
    QVERIFY(!orphan);
    QCOMPARE(orphan.error().code, Code::BadInput);
    Genome reversed = child(0.5);
    reversed.reasoning.format = "reversed";
    const auto stranger = Trainer::create(specOf(reversed, folder, 50), m_world);
    QVERIFY(!stranger);
    QVERIFY2(stranger.error().text.find("\"reversed\"") != std::string::npos, stranger.error().text.c_str());
}

QTEST_GUILESS_MAIN(PreferenceTest)
#include "tst_preference.moc"

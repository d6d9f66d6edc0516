// SPDX-License-Identifier: GPL-3.0-or-later
// What a lab's gate may err stands in the ledger: from the first entry on, and whenever lab.json was edited since.
#include <QtTest>

#include "core/agent/context.h"
#include "core/agent/gate_record.h"
#include "core/agent/question.h"
#include "core/agent/summary.h"
#include "core/base/rng.h"
#include "core/selector/gate.h"
#include "tests/app/tiny_lab.h"

using namespace ratchet;

namespace {

void edit(const TinyLab& lab, const Json& changes)
{
    Json config = readLabConfig(lab.paths()).value().toJson();
    config.update(changes);
    QVERIFY(writeFile(lab.paths().config(), config.dump(), 0444));
}

std::vector<GateRecord> recordsOf(const TinyLab& lab)
{
    return gateRecords(*lab.read()).value();
}

// Types of the ledger's entries, in their order.
std::vector<std::string> typesOf(const TinyLab& lab)
{
    std::vector<std::string> types;
    for (const LedgerEntry& entry : taken(lab.read()->ledger()))
        types.push_back(Json::parse(entry.line)["type"]);
    return types;
}

Json lastOf(const TinyLab& lab, const std::string& type)
{
    Json last;
    for (const LedgerEntry& entry : taken(lab.read()->ledger()))
        if (Json json = Json::parse(entry.line); json["type"] == type)
            last = json;
    return last;
}

Status closeOnePath(const TinyLab& lab)
{
    return lab.ask("space", {{"open", Json::object()}, {"close", {"/recipe/ema"}}});
}

std::string summaryOf(const TinyLab& lab)
{
    return toText(summarise(*lab.read(), readLabConfig(lab.paths()).value()).value());
}

GateRecord errs(double alpha, std::vector<int> questions)
{
    LabConfig config;
    config.alpha = alpha;
    config.alphaDecay = alphaDecay;
    return {"", gateFigures(config), std::move(questions)};
}

} // namespace

class TestGateRecord : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theFirstEntryOfALabHasThem()
    {
        const TinyLab lab;
        const LabConfig config = readLabConfig(lab.paths()).value();
        QCOMPARE(lastOf(lab, "lab")["refs"]["gate"], gateFigures(config));
        QVERIFY(lab.run(2));
        QVERIFY(lab.proposeReversed());
        QCOMPARE(countLedger(*lab.read(), "gate").value(), 0);           // nobody edited anything
        QCOMPARE(recordsOf(lab).size(), 1U);
        QCOMPARE(recordsOf(lab).front().questions.size(), taken(lab.read()->verdicts()).size());
        QVERIFY(summaryOf(lab).find("what the gate may err") == std::string::npos);
    }

    void whoRunsALabThatWasEditedRecordsItOnce()
    {
        const TinyLab lab(3);
        QVERIFY(lab.run(2));
        const Json before = gateFigures(readLabConfig(lab.paths()).value());
        edit(lab, {{"alpha", 0.2}, {"gateItems", 60}});
        QVERIFY(Context::look(lab.paths()));
        QVERIFY(summaryOf(lab).find("lab.json was edited, and the next run will record it: alpha 0.05 -> 0.2, gateItems 2000 -> 60") != std::string::npos);
        QCOMPARE(countLedger(*lab.read(), "gate").value(), 0);           // who only reads records nothing
        QVERIFY(lab.run(2));
        QVERIFY(lab.run(1));
        QCOMPARE(countLedger(*lab.read(), "gate").value(), 1);
        const Json entry = lastOf(lab, "gate");
        QCOMPARE(entry["actor"], Json("engine"));
        QCOMPARE(entry["refs"]["before"], before);
        QCOMPARE(entry["refs"]["gate"], gateFigures(readLabConfig(lab.paths()).value()));
        QVERIFY(lab.isWhole());

        // Which rules a question was asked under.
        const std::vector<GateRecord> records = recordsOf(lab);
        QCOMPARE(records.size(), 2U);
        QVERIFY(!records[0].questions.empty() && !records[1].questions.empty());
        const auto verdicts = taken(lab.read()->verdicts());
        QCOMPARE(records[0].questions.size() + records[1].questions.size(), verdicts.size());
        for (const VerdictRecord& verdict : verdicts) {
            const bool isLater = std::count(records[1].questions.begin(), records[1].questions.end(), verdict.k) == 1;
            QCOMPARE(std::count(records[0].questions.begin(), records[0].questions.end(), verdict.k), isLater ? 0 : 1);
            const double once = elondAlpha(isLater ? 0.2 : 0.05, verdict.k, 0, alphaDecay);       // with nothing found before
            QVERIFY(std::abs(verdict.alpha / once - std::round(verdict.alpha / once)) < 1e-9);
            QVERIFY(!isLater || verdict.pairs <= 60);
        }
        const std::string said = fmt::format("{} questions judged before: alpha 0.05 -> 0.2, gateItems 2000 -> 60", records[0].questions.size());
        QVERIFY2(summaryOf(lab).find(said) != std::string::npos, summaryOf(lab).c_str());
        QVERIFY(summaryOf(lab).find("will record it") == std::string::npos);
    }

    void soDoesWhoCarriesOutASingleRequest()
    {
        const TinyLab lab;
        edit(lab, {{"vaultLooks", 40}});
        QVERIFY(closeOnePath(lab));
        QVERIFY(typesOf(lab) == (std::vector<std::string>{"lab", "gate", "space"}));
        QCOMPARE(changesOf(recordsOf(lab)).front().text, std::string("vaultLooks 20 -> 40"));
        edit(lab, {{"corpusSource", "questions.jsonl"}});                // shares alpha otherwise, and limits the vault
        QCOMPARE(unrecordedChange(recordsOf(lab), readLabConfig(lab.paths()).value()), std::string("finiteData false -> true"));
        edit(lab, {{"corpusSource", ""}, {"placebos", 0.5}, {"reward", 0.1}});      // of whom is asked about, not of the answer
        QCOMPARE(unrecordedChange(recordsOf(lab), readLabConfig(lab.paths()).value()), std::string());
    }

    void anOlderLabGetsThemWithoutAlarm()
    {
        const TinyLab made;
        const QTemporaryDir folder;
        const LabPaths older{std::filesystem::path(folder.path().toStdString()) / "lab"};
        const LabConfig config = readLabConfig(made.paths()).value();
        QVERIFY(createLab(older, config, Json::parse(readFile(made.paths().searchSpace()).value()), std::string(64, 'a')));
        {
            const auto store = Store::open(older.database(), Store::Mode::ReadWrite).value();
            QVERIFY(store->addLedger(nextLedgerEntry({}, now(), "person", "lab", {{"domain", config.domain}, {"seed", config.seed}})));
            QVERIFY(gateRecords(*store).value().empty());
            QCOMPARE(unrecordedChange({}, config), std::string());
        }
        for (int time = 0; time < 2; ++time) {
            const auto opened = Context::open(older);
            QVERIFY2(opened, opened ? "" : opened.error().text.c_str());
            const auto records = gateRecords(*(*opened)->store).value();
            QCOMPARE(records.size(), 1U);
            QCOMPARE(records.front().figures, gateFigures(config));
            QVERIFY(changesOf(records).empty());
        }
    }

    void figuresOutOfBoundsRunAndRecordNothing_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("value");
        QTest::addRow("an alpha of one") << "alpha" << "1";
        QTest::addRow("an alpha that is text") << "alpha" << "\"0.05\"";
        QTest::addRow("an alpha that never gets less") << "alphaDecay" << "1";
        QTest::addRow("half an item") << "gateItems" << "100.5";
        QTest::addRow("an effect below nothing") << "minEffect" << "-0.01";
        QTest::addRow("a retained alpha beyond one") << "retainedAlpha" << "2";
        QTest::addRow("looks below nothing") << "vaultLooks" << "-1";
    }
    void figuresOutOfBoundsRunAndRecordNothing()
    {
        QFETCH(QString, name);
        QFETCH(QString, value);
        static const TinyLab lab;
        static const Json whole = readLabConfig(lab.paths()).value().toJson();
        const auto entries = typesOf(lab);
        Json config = whole;
        config[name.toStdString()] = Json::parse(value.toStdString());
        QVERIFY(writeFile(lab.paths().config(), config.dump()));
        const auto run = lab.run(1);
        QVERIFY(!run && run.error().code == Code::Damaged);
        QVERIFY2(run.error().text.find(fmt::format("\"{}\"", name.toStdString())) != std::string::npos, run.error().text.c_str());
        QCOMPARE(closeOnePath(lab).error().code, Code::Damaged);
        QVERIFY(typesOf(lab) == entries);
        QVERIFY(taken(lab.read()->trials()).empty());
    }

    void whatIsPromisedCountsEveryQuestionByItsOwnRules()
    {
        QCOMPARE(promisedAlpha({errs(0.1, {1, 2, 3})}), 0.1);            // never changed, whatever was asked
        double shares = 0;
        for (const int k : {1, 2, 3})
            shares += elondAlpha(1, k, 0);
        QVERIFY(std::abs(promisedAlpha({errs(0.5, {1, 2, 3}), errs(0.05, {4})}) - (0.5 * shares + 0.05 * (1 - shares))) < 1e-12);
        QCOMPARE(promisedAlpha({errs(0.5, {}), errs(0.05, {1, 2})}), 0.05);

        // 20,000 labs of 200 null questions, of which the first three were asked with an alpha of 0.5.
        Rng rng(1);
        int fooled = 0;
        constexpr int labs = 20'000;
        for (int lab = 0; lab < labs; ++lab)
            for (int k = 1; k <= 200; ++k)
                if (rng.uniform() < elondAlpha(k <= 3 ? 0.5 : 0.05, k, 0)) {
                    ++fooled;
                    break;
                }
        const double share = double(fooled) / labs;
        QVERIFY2(share > 4 * 0.05 && share < promisedAlpha({errs(0.5, {1, 2, 3}), errs(0.05, {})}), fmt::format("{}", share).c_str());
    }
};

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    QCoreApplication application(argc, argv);
    TestGateRecord test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_gate_record.moc"

// SPDX-License-Identifier: GPL-3.0-or-later
// What a genome asks of other versions and of the machine is looked at before any compute: by a person's proposal, by a new
// lab, and again by the engine before a worker is started.
#include <QProcess>

#include "tests/app/tiny_lab.h"

#include "core/agent/context.h"
#include "core/agent/summary.h"
#include "core/base/file.h"

using namespace ratchet;

namespace {

Json replaced(const char* path, const Json& value)
{
    return {{"op", "replace"}, {"path", path}, {"value", value}};
}

// A lab whose seed model is live and whose search space lets versions be named and models be very large.
class OpenLab : public TinyLab {
public:
    OpenLab() : TinyLab(1)
    {
        Json space = Json::parse(readFile(paths().searchSpace()).value());
        space["paths"]["/recipe/teachers"] = space["paths"]["/recipe/members"] = {{"versions", 3}};
        space["paths"]["/recipe/distillation"] = space["paths"]["/recipe/fineTuning"] = {{"low", 0}, {"high", 1}};
        space["paths"]["/recipe/preference"] = {{"low", 0}, {"high", 1}};
        space["paths"]["/recipe/start"] = {{"choices", {"scratch", "continue", "average", "soup", "ensemble"}}};
        space["paths"]["/recipe/population"] = space["paths"]["/recipe/generations"] = {{"low", 0}, {"high", 4}, {"integer", true}};
        space["paths"]["/architecture/layers"] = {{"low", 1}, {"high", 128}, {"integer", true}};
        space["paths"]["/architecture/width"] = {{"choices", {16, 64, 16384}}};
        space["paths"]["/architecture/feedForwardWidth"] = {{"choices", {64, 256, 65536}}};
        space["maxParameters"] = std::int64_t(1) << 50;
        rewrite(paths().searchSpace(), space);
        if (!run(1))
            qFatal("no seed model");
        m_live = read()->live().value()->version.hex;
    }
    static void rewrite(const std::filesystem::path& file, const Json& content)
    {
        if (!writeFile(file, content.dump()))
            qFatal("cannot write %s", file.c_str());
    }
    [[nodiscard]] const std::string& live() const { return m_live; }
    // A version as if a trial had made it: the live weights under a changed genome, or with another tokenizer.
    [[nodiscard]] std::string add(const Json& patch, const std::string& tokenizer = {}) const
    {
        const ObjectStore objects(paths().objects());
        VersionRecord version = read()->version(Hash{m_live}).value().value();
        version.parent = version.hash;
        if (!tokenizer.empty())
            version.tokenizer = objects.put(tokenizer).value();
        const Genome genome = Genome::fromJson(Json::parse(objects.get(version.genome).value())).value();
        version.genome = objects.put(applyPatch(genome, patch).value().toJson().dump()).value();
        version.hash = hashOfJson(Json{{"genome", version.genome.hex}, {"weights", version.weights.hex}, {"tokenizer", version.tokenizer.hex}});
        version.created = now();
        const auto store = Store::open(paths().database(), Store::Mode::ReadWrite).value();
        if (!store->transaction(Store::Durable::Yes, [&] { return store->add(version); }))
            qFatal("no version");
        return version.hash.hex;
    }
    [[nodiscard]] Status propose(const Json& patch) const { return ask("propose", {{"patch", patch}, {"reason", "A test."}}); }
    [[nodiscard]] Status distil(const Json& teachers) const
    {
        return propose({replaced("/recipe/teachers", teachers), replaced("/recipe/distillation", 0.5)});
    }
    [[nodiscard]] Status average(const Json& members) const { return madeOf("average", members); }
    [[nodiscard]] Status ensemble(const Json& members) const { return madeOf("ensemble", members); }
    [[nodiscard]] Status prefer(Json more = Json::array()) const
    {
        more.push_back(replaced("/recipe/start", "continue"));
        more.push_back(replaced("/recipe/preference", 0.5));
        return propose(more);
    }
    [[nodiscard]] ProposalRecord last() const { return read()->proposals().value().back(); }
    // Weights and metadata that the trial of the last proposal by a person left.
    [[nodiscard]] std::map<std::string, std::string> madeOf(Id<ProposalRecord> proposal) const
    {
        const auto store = read();
        const auto version = store->version(store->trialOf(proposal).value()->version.value_or(Hash{})).value();
        return version ? readWeights(ObjectStore(paths().objects()).path(version->weights)).value().metadata : std::map<std::string, std::string>{};
    }

private:
    [[nodiscard]] Status madeOf(const char* start, const Json& members) const
    {
        return propose({replaced("/recipe/members", members), replaced("/recipe/start", start)});
    }
    std::string m_live;
};

const OpenLab& sharedLab()
{
    static const OpenLab lab;
    return lab;
}

const char* contains(const Status& refused, const char* part)
{
    return !refused && refused.error().code == Code::Refused && refused.error().text.find(part) != std::string::npos
               ? nullptr
               : refused ? "it was admitted" : refused.error().text.c_str();
}

} // namespace

class TestAdmission : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void versionsMustBeThereAndFit();
    void teachersAreBroughtAndPaid();
    void theSameTeachersAreADuplicate();
    void anAverageCostsNothing();
    void preferencesAreBroughtPaidAndTold();
    void preferencesWantTheParentsFormat();
    void anEnsembleIsKeptWhole();
    void whatAPopulationDidIsRecounted_data();
    void whatAPopulationDidIsRecounted();
    void momentsAreKeptWhereTheyCanBeCarried();
    void momentsThatAreNoneEndTheTrial();
    void theArchiveIsDrawnOn();
    void whatReadsLessThanItsLongestExampleIsNotProposed();
    void aChangeOfTheSpaceIsFinishedByWhoOpensTheLabNext();
    void whatTheMachineCannotHoldIsNotProposed();
    void whatTheMachineCannotHoldIsNotStarted();
    void aLabThatCannotBeTrainedIsNotMade();
};

void TestAdmission::versionsMustBeThereAndFit()
{
    const OpenLab& lab = sharedLab();
    const auto proposals = lab.read()->proposals().value().size();
    const auto with = [&](const char* path, const Json& value) { return lab.add(Json::array({replaced(path, value)})); };
    const std::string nobody(64, 'f'), reversed = with("/reasoning/format", "reversed"), shallow = with("/architecture/layers", 1);
    const std::string shortSighted = with("/architecture/context", 4), foreign = lab.add(Json::array(), R"({"kind": "other"})");
    const auto said = [&](const Status& refused, const char* part) {
        const char* const instead = contains(refused, part);
        QVERIFY2(!instead, instead);
    };
    said(lab.distil(Json::array({nobody})), "no version of this lab");
    said(lab.distil({lab.live(), nobody}), "no version of this lab");
    said(lab.distil(Json::array({foreign})), "another tokenizer");
    said(lab.distil(Json::array({reversed})), "in the format \"reversed\"");
    said(lab.distil(Json::array({shortSighted})), "reads 4 tokens");
    said(lab.average({lab.live(), nobody}), "no version of this lab");
    said(lab.average({lab.live(), foreign}), "another tokenizer");
    said(lab.average({lab.live(), reversed}), "in the format \"reversed\"");
    said(lab.average({lab.live(), shallow}), "another architecture");
    const std::string other = with("/recipe/learningRate", 0.002);
    const std::string both = lab.add(Json::array({replaced("/recipe/members", {lab.live(), other}), replaced("/recipe/start", "ensemble")}));
    said(lab.ensemble({lab.live(), shallow}), "another architecture than the ensemble");
    said(lab.ensemble({lab.live(), both}), "an ensemble itself");
    said(lab.average({lab.live(), both}), "an ensemble itself");
    said(lab.distil({lab.live(), shallow, reversed, nobody}), "at most 3 versions");
    QVERIFY(lab.distil(Json::array({lab.live().substr(0, 10)})).error().text.find("whole name") != std::string::npos);
    QCOMPARE(lab.read()->proposals().value().size(), proposals);
}

void TestAdmission::teachersAreBroughtAndPaid()
{
    const OpenLab lab;
    const std::string shallow = lab.add(Json::array({replaced("/architecture/layers", 1)}));
    QVERIFY(lab.distil({lab.live(), shallow}));
    const Id<ProposalRecord> proposal = lab.last().id;
    // The object of the shallow one holds the seed's tensors; the player reads any.
    const auto end = lab.run(1);
    QVERIFY2(end, end ? "" : end.error().text.c_str());
    const auto trial = lab.read()->trialOf(proposal).value().value();
    QVERIFY2(trial.state == TrialState::Trained, trial.failure.c_str());
    QCOMPARE(Json::parse(lab.madeOf(proposal).at("teachers")), (Json{lab.live(), shallow}));
    // A worker that claims the student's compute alone is caught.
    const ObjectStore objects(lab.paths().objects());
    const Genome genome = Genome::fromJson(Json::parse(objects.get(lab.read()->version(*trial.version).value()->genome).value())).value();
    const double alone = trainingFlops(genome.architecture, 14, 8).value * static_cast<double>(trial.tokens);
    QVERIFY(trial.spent.value > 1.3 * alone);
}

void TestAdmission::theSameTeachersAreADuplicate()
{
    const OpenLab lab;
    const std::string other = lab.add(Json::array({replaced("/recipe/learningRate", 0.002)}));
    QVERIFY(lab.distil({lab.live(), other}));
    const Status again = lab.distil({other, lab.live()});
    QVERIFY(!again && again.error().text.find("tried this already") != std::string::npos);
    QVERIFY(lab.distil(Json::array({other})));
}

void TestAdmission::anAverageCostsNothing()
{
    const OpenLab lab;
    const std::string other = lab.add(Json::array({replaced("/recipe/learningRate", 0.002)}));
    QVERIFY(lab.average({lab.live(), other}));
    const Id<ProposalRecord> proposal = lab.last().id;
    const double before = lab.read()->spent().value().value;
    QVERIFY(lab.run(1));
    const auto trial = lab.read()->trialOf(proposal).value().value();
    QVERIFY2(trial.state == TrialState::Trained, trial.failure.c_str());
    QCOMPARE(trial.spent.value, 0.0);
    QCOMPARE(lab.read()->spent().value().value, before);
    QCOMPARE(Json::parse(lab.madeOf(proposal).at("members")), (Json{lab.live(), other}));
    QVERIFY(lab.read()->verdict(proposal).value());                   // judged like any other
}

// Users' answers come as the domain reads them: of a reversed completion the number. A question is trained on or judged by.
void TestAdmission::preferencesAreBroughtPaidAndTold()
{
    const OpenLab lab;
    for (int i = 0; i < 12; ++i) {
        const std::string prompt = fmt::format("{}+45=", 100 + i), right = std::to_string(145 + i);
        const auto say = [&](const std::string& completion, const std::string& correction, double rating) {
            QVERIFY(lab.ask("feedback", {{"version", lab.live()}, {"prompt", prompt}, {"completion", completion}, {"correction", correction}, {"rating", rating}},
                            "user:server"));
        };
        say("7", right, 0);            // a correction
        say("8", "", -1);              // and ratings of either kind
        say("9", "", -0.5);
        say(right, "", 0.5);
        say("10", "", 0.25);           // less good than the best, and no worse than nothing
    }
    QVERIFY(lab.prefer());
    const Id<ProposalRecord> proposal = lab.last().id;
    const auto end = lab.run(1);
    QVERIFY2(end, end ? "" : end.error().text.c_str());
    const auto trial = lab.read()->trialOf(proposal).value().value();
    QVERIFY2(trial.state == TrialState::Trained, trial.failure.c_str());
    const Json told = Json::parse(lab.madeOf(proposal).at("preferences"));
    std::map<std::string, std::multiset<std::string>> rejected;
    for (const Json& pair : told) {
        const int sum = std::stoi(pair["question"]["a"].get<std::string>()) + 45;
        QCOMPARE(pair["chosen"].get<std::string>(), std::to_string(sum));
        rejected[pair["question"].dump()].insert(pair["rejected"].get<std::string>());
    }
    QVERIFY2(!rejected.empty() && rejected.size() < 12U, told.dump().c_str());
    for (const auto& [question, answers] : rejected)
        QVERIFY2(answers == (std::multiset<std::string>{"7", "8", "9"}), question.c_str());
    QCOMPARE(trial.report["preference"]["users"].get<std::size_t>(), told.size());
    const Summary summary = summarise(*lab.read(), readLabConfig(lab.paths()).value()).value();
    QVERIFY(toText(summary).find("in the right order 50.0 % before and 75.0 % after") != std::string::npos);
}

void TestAdmission::preferencesWantTheParentsFormat()
{
    const OpenLab& lab = sharedLab();
    const char* const instead = contains(lab.prefer(Json::array({replaced("/reasoning/format", "reversed")})), "/reasoning/format is \"reversed\"");
    QVERIFY2(!instead, instead);
}

void TestAdmission::anEnsembleIsKeptWhole()
{
    const OpenLab lab;
    const std::string other = lab.add(Json::array({replaced("/recipe/learningRate", 0.002)}));
    QVERIFY(lab.ensemble({lab.live(), other}));
    const Id<ProposalRecord> proposal = lab.last().id;
    QVERIFY(lab.run(1));
    const auto trial = lab.read()->trialOf(proposal).value().value();
    QVERIFY2(trial.state == TrialState::Trained, trial.failure.c_str());
    QCOMPARE(trial.spent.value, 0.0);
    const auto store = lab.read();
    const auto version = store->version(*trial.version).value().value(), one = store->version(Hash{lab.live()}).value().value();
    QCOMPARE(version.parameters, 2 * one.parameters);
    QVERIFY(store->verdict(proposal).value());                        // judged like any other
    QProcess program;
    program.start(QStringLiteral(RATCHET_BIN_DIR "/ratchet"),
                  {"export", QString::fromStdString(lab.root().string()), QString::fromStdString(version.hash.hex), "--huggingface", "nowhere"});
    QVERIFY(program.waitForFinished(60'000) && program.exitCode() == 1);
    QVERIFY(program.readAllStandardError().contains("is an ensemble of 2 models"));
    const Status again = lab.ensemble({other, lab.live()});           // the order says only what continues from it
    QVERIFY(!again && again.error().text.find("tried this already") != std::string::npos);
}

void TestAdmission::whatAPopulationDidIsRecounted_data()
{
    QTest::addColumn<QString>("worker");
    QTest::addColumn<bool>("isTaken");
    for (const auto& [worker, isTaken] : {std::pair("honest", true), std::pair("hides a generation", false),
                                          std::pair("hides a step of a member", false), std::pair("hides the compute of a member", false)})
        QTest::addRow("%s", worker) << QString::fromLatin1(worker) << isTaken;
}

void TestAdmission::whatAPopulationDidIsRecounted()
{
    QFETCH(QString, worker);
    QFETCH(bool, isTaken);
    const OpenLab lab;
    const Status asked = lab.propose({replaced("/recipe/population", 2), replaced("/recipe/generations", 2), replaced("/recipe/batch", 64)});
    QVERIFY2(asked, asked ? "" : asked.error().text.c_str());
    const Id<ProposalRecord> proposal = lab.last().id;
    QVERIFY(lab.run(1, worker.toStdString()));
    const auto trial = lab.read()->trialOf(proposal).value().value();
    QVERIFY2(trial.state == (isTaken ? TrialState::Trained : TrialState::Failed), trial.failure.c_str());
    QVERIFY2(isTaken || trial.failure.find("does not add up") != std::string::npos, trial.failure.c_str());
}

// A lab that lets moments be carried, with its seed model.
class CarryingLab : public TinyLab {
public:
    explicit CarryingLab(const std::string& fault = "honest") : TinyLab(1)
    {
        Json space = Json::parse(readFile(paths().searchSpace()).value());
        space["paths"]["/recipe/moments"] = {{"choices", {"reset", "carry"}}};
        OpenLab::rewrite(paths().searchSpace(), space);
        if (!run(1, fault))
            qFatal("no seed model");
    }
    [[nodiscard]] TrialRecord carry(int batch) const
    {
        if (!ask("propose", {{"patch", {replaced("/recipe/start", "continue"), replaced("/recipe/moments", "carry"), replaced("/recipe/batch", batch)}},
                             {"reason", "A test."}}))
            qFatal("not proposed");
        const Id<ProposalRecord> proposal = taken(read()->proposals()).back().id;
        if (!run(1))
            qFatal("not run");
        return read()->trialOf(proposal).value().value();
    }
};

void TestAdmission::momentsAreKeptWhereTheyCanBeCarried()
{
    const CarryingLab lab;
    const auto live = lab.read()->version(lab.read()->live().value()->version).value().value();
    QVERIFY(live.moments);
    const auto file = ObjectStore(lab.paths().objects()).path(*live.moments);
    const auto isWhole = [&] {
        QProcess program;
        program.start(QStringLiteral(RATCHET_BIN_DIR "/ratchet"), {"check", QString::fromStdString(lab.root().string())});
        return program.waitForFinished(60'000) && program.exitStatus() == QProcess::NormalExit && program.exitCode() == 0;
    };
    QVERIFY(isWhole());
    const TrialRecord carried = lab.carry(32);
    QVERIFY2(carried.state == TrialState::Trained, carried.failure.c_str());
    QCOMPARE(carried.report["surgery"]["moments"].get<std::string>(), std::string("Carried on."));
    const Summary summary = summarise(*lab.read(), readLabConfig(lab.paths()).value()).value();
    const auto tells = [](const TriedRow& row) { return row.told == std::vector<std::string>{"A play. Carried on."}; };
    QVERIFY(std::any_of(summary.tried.begin(), summary.tried.end(), tells));
    std::filesystem::permissions(file, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    QVERIFY(!isWhole());
    const auto champion = lab.read()->live().value()->version;
    QVERIFY(champion == live.hash);                                   // its moments are the damaged ones
    const TrialRecord refused = lab.carry(64);
    QCOMPARE(refused.state, TrialState::Failed);
    QVERIFY2(refused.failure.find("damaged") != std::string::npos, refused.failure.c_str());
    for (const VersionRecord& version : taken(sharedLab().read()->versions()))
        QVERIFY(!version.moments);                                    // a lab that does not let them be carried
}

void TestAdmission::momentsThatAreNoneEndTheTrial()
{
    const CarryingLab lab("negative moments");
    const auto trials = taken(lab.read()->trials());
    const auto second = std::find_if(trials.begin(), trials.end(), [](const TrialRecord& trial) { return trial.id.value == 2; });
    QVERIFY(second != trials.end());
    QVERIFY2(second->failure.find("holds a negative value") != std::string::npos, second->failure.c_str());
    QVERIFY(!second->version);
}

// All ideas there are, since the space has few: one distils the live version into a single layer.
void TestAdmission::theArchiveIsDrawnOn()
{
    const OpenLab lab;
    Json space = Json::parse(readFile(lab.paths().searchSpace()).value()), few = Json::object();
    for (const char* path : {"/recipe/start", "/recipe/distillation", "/recipe/schedule", "/recipe/teachers", "/architecture/layers"})
        few[path] = space["paths"][path];
    space["paths"] = few;
    OpenLab::rewrite(lab.paths().searchSpace(), space);
    Json config = Json::parse(readFile(lab.paths().config()).value());
    config["candidates"] = 20;
    OpenLab::rewrite(lab.paths().config(), config);
    const auto end = lab.run(1);
    QVERIFY2(end, end ? "" : end.error().text.c_str());
    int distilled = 0;
    for (const ProposalRecord& proposal : taken(lab.read()->proposals())) {
        QVERIFY2(proposal.state != ProposalState::Failed, proposal.stateReason.c_str());
        if (proposal.operatorName != "the champion distilled into a smaller model")
            continue;
        ++distilled;
        QCOMPARE(Json::parse(lab.madeOf(proposal.id).at("teachers")), Json::array({lab.live()}));
    }
    QCOMPARE(distilled, 1);
}

void TestAdmission::whatReadsLessThanItsLongestExampleIsNotProposed()
{
    const OpenLab lab;
    const auto proposals = lab.read()->proposals().value().size();
    const Json shorter = Json::array({replaced("/architecture/context", 8)});
    const char* instead = contains(lab.propose(shorter), "does not allow /architecture/context");
    QVERIFY2(!instead, instead);
    QVERIFY(lab.ask("space", {{"open", {{"/architecture/context", {{"choices", {8, 64}}}}}}, {"close", Json::array()}}));
    instead = contains(lab.propose(shorter), "The longest example has 12 tokens, but the model reads 8.");
    QVERIFY2(!instead, instead);
    QCOMPARE(lab.read()->proposals().value().size(), proposals);
}

void TestAdmission::aChangeOfTheSpaceIsFinishedByWhoOpensTheLabNext()
{
    const OpenLab lab;
    const auto file = lab.paths().searchSpace();
    const Json before = Json::parse(readFile(file).value());
    const int entries = countLedger(*lab.read(), "space").value();
    const Json close{{"open", Json::object()}, {"close", {"/recipe/teachers"}}};
    // Nothing can be written beside the file, as if the engine were killed before it was.
    std::vector<std::string> obstacles;
    for (int i = 0; i < 2000; ++i)
        std::filesystem::create_directory(obstacles.emplace_back(fmt::format("{}.{}-{}.tmp", file.string(), ::getpid(), i)));
    QVERIFY(!lab.ask("space", close));
    QCOMPARE(Json::parse(readFile(file).value()), before);
    QCOMPARE(countLedger(*lab.read(), "space").value(), entries + 1);      // the file is never ahead of the ledger
    for (const std::string& obstacle : obstacles)
        std::filesystem::remove(obstacle);
    const auto opens = [&] { return Context::open(lab.paths()).value()->space.paths().contains("/recipe/teachers"); };
    QVERIFY(!opens());
    QVERIFY(!Json::parse(readFile(file).value())["paths"].contains("/recipe/teachers"));
    OpenLab::rewrite(file, before);                                        // the person's own word
    QVERIFY(opens());
    QCOMPARE(Json::parse(readFile(file).value()), before);
}

void TestAdmission::whatTheMachineCannotHoldIsNotProposed()
{
    const OpenLab lab;
    Json config = Json::parse(readFile(lab.paths().config()).value());
    config["budget"] = config["trialBudget"] = 1e18;                  // compute is no hindrance
    OpenLab::rewrite(lab.paths().config(), config);
    const Status refused = lab.propose({replaced("/architecture/layers", 128), replaced("/architecture/width", 16384),
                                        replaced("/architecture/feedForwardWidth", 65536)});
    const char* const instead = contains(refused, "of memory");
    QVERIFY2(!instead, instead);
    QVERIFY(refused.error().text.find(" TB of memory") != std::string::npos && refused.error().text.find("are allowed") != std::string::npos);
    QCOMPARE(refused.error().hint, std::string("Lower the model's width or depth."));
}

void TestAdmission::whatTheMachineCannotHoldIsNotStarted()
{
    const OpenLab lab;
    QVERIFY(lab.propose(Json::array({replaced("/recipe/batch", 256)})));
    const Id<ProposalRecord> proposal = lab.last().id;
    const double before = lab.read()->spent().value().value;
    EngineOptions options;
    options.learner = lab.learner("honest");
    options.policy = acceptingPolicy();
    options.memoryBytes = 4.01e8;                                      // of a smaller machine
    const RunLimits once{.teeth = 1, .untilGoal = false, .time = {}, .waitForDecisions = false};
    {
        auto engine = Engine::open(lab.root(), options).value();
        QVERIFY(engine->run(once, {}));
    }
    const auto trial = lab.read()->trialOf(proposal).value().value();
    QCOMPARE(trial.state, TrialState::Failed);
    QVERIFY2(trial.failure.find("401 MB are allowed") != std::string::npos, trial.failure.c_str());
    QVERIFY(trial.platform.is_null() || trial.platform.empty());      // no worker ever said hello
    QCOMPARE(trial.spent.value, 0.0);
    QCOMPARE(lab.read()->spent().value().value, before);
    // Nothing else fits either: the run ends and says so, instead of turning empty teeth.
    auto engine = Engine::open(lab.root(), options).value();
    const auto end = engine->run(once, {});
    QVERIFY(!end && end.error().text.find("401 MB are allowed") != std::string::npos);
}

void TestAdmission::aLabThatCannotBeTrainedIsNotMade()
{
    const QTemporaryDir folder;
    NewLab wanted;
    wanted.root = std::filesystem::path(folder.path().toStdString()) / "lab";
    wanted.domain = "arithmetic";
    wanted.memoryBytes = 4.01e8;
    const Status made = newLab(wanted);
    QVERIFY(!made);
    QCOMPARE(made.error().code, Code::Refused);
    QVERIFY2(made.error().text.find("401 MB are allowed") != std::string::npos, made.error().text.c_str());
    QVERIFY(!std::filesystem::exists(wanted.root));
}

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    QCoreApplication application(argc, argv);
    TestAdmission test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_admission.moc"

// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include "tests/core/demo_space.h"

using namespace ratchet;

namespace {

const std::string a(64, 'a'), b(64, 'b');

} // namespace

class TestGenome : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void readsWhatItWrote()
    {
        const Genome genome = demoGenome();
        const auto again = Genome::fromJson(Json::parse(genome.toJson().dump()));
        QVERIFY(again);
        QCOMPARE(again->toJson(), genome.toJson());
        QCOMPARE(again->hash(), genome.hash());
        Genome other = genome;
        other.recipe.learningRate = std::nextafter(other.recipe.learningRate, 1);
        QVERIFY(other.hash() != genome.hash());
    }

    void refusesWhatIsNoGenome_data()
    {
        QTest::addColumn<QString>("patch");
        QTest::addColumn<QString>("named");
        const auto row = [](const char* name, const char* patch, const char* named) { QTest::addRow("%s", name) << patch << named; };
        row("a field is missing", R"([{"op": "remove", "path": "/recipe/ema"}])", "ema");
        row("a field is unknown", R"([{"op": "add", "path": "/recipe/luck", "value": 1}])", "luck");
        row("a section is unknown", R"([{"op": "add", "path": "/karma", "value": {}}])", "karma");
        row("a word stands for a number", R"([{"op": "replace", "path": "/architecture/layers", "value": "2"}])", "layers");
        row("layers are counted in halves", R"([{"op": "replace", "path": "/architecture/layers", "value": 2.5}])", "layers");
        row("a count is larger than any integer", R"([{"op": "replace", "path": "/architecture/width", "value": 1e300}])", "width");
        row("nothing is learnt in no layers", R"([{"op": "replace", "path": "/architecture/layers", "value": 0}])", "layers");
        row("heads do not divide the width", R"([{"op": "replace", "path": "/architecture/heads", "value": 5}, {"op": "replace", "path": "/architecture/kvHeads", "value": 5}])", "heads");
        row("key-value heads do not divide the heads", R"([{"op": "replace", "path": "/architecture/kvHeads", "value": 3}])", "key-value");
        row("a head is odd", R"([{"op": "replace", "path": "/architecture/width", "value": 12}])", "head width");
        row("the optimizer is unheard of", R"([{"op": "replace", "path": "/recipe/optimizer", "value": "sgd"}])", "optimizer");
        row("the learning rate is null", R"([{"op": "replace", "path": "/recipe/learningRate", "value": null}])", "learningRate");
        row("the learning rate is negative", R"([{"op": "replace", "path": "/recipe/learningRate", "value": -1}])", "learningRate");
        row("the shares exceed the batch", R"([{"op": "replace", "path": "/data/replay", "value": 0.6}, {"op": "replace", "path": "/data/selfTraining", "value": 0.6}])", "more than 1");
        row("a token takes more experts than there are", R"([{"op": "replace", "path": "/architecture/experts", "value": 2}, {"op": "replace", "path": "/architecture/expertsPerToken", "value": 3}])", "experts");
        row("experts have biases", R"([{"op": "replace", "path": "/architecture/experts", "value": 4}, {"op": "replace", "path": "/architecture/bias", "value": true}])", "biases");
        row("the parts do not divide the batch", R"([{"op": "replace", "path": "/recipe/accumulation", "value": 3}])", "accumulation");
        row("a tool is unknown", R"([{"op": "replace", "path": "/tools/allowed", "value": ["shell"]}])", "shell");
        row("adapters without a parent", R"([{"op": "replace", "path": "/adaptation/method", "value": "lora"}])", "scratch");
        row("more layers are frozen than there are", R"([{"op": "replace", "path": "/recipe/start", "value": "continue"}, {"op": "replace", "path": "/adaptation/frozenLayers", "value": 100}])", "freezes");
        row("teachers who are not listened to", R"([{"op": "replace", "path": "/recipe/teachers", "value": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}])", "distillation");
        row("a teacher's short name", R"([{"op": "replace", "path": "/recipe/teachers", "value": ["aaaa"]}, {"op": "replace", "path": "/recipe/distillation", "value": 0.5}])", "whole name");
        row("a teacher who speaks twice", R"([{"op": "replace", "path": "/recipe/teachers", "value": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}, {"op": "replace", "path": "/recipe/distillation", "value": 0.5}])", "twice");
        row("teachers by number", R"([{"op": "replace", "path": "/recipe/teachers", "value": [1]}])", "teachers");
        row("members of nothing", R"([{"op": "replace", "path": "/recipe/members", "value": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]}])", "neither average nor soup");
        row("an average of one", R"([{"op": "replace", "path": "/recipe/start", "value": "average"}, {"op": "replace", "path": "/recipe/members", "value": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}])", "two");
        row("fine-tuning of what was never averaged", R"([{"op": "replace", "path": "/recipe/fineTuning", "value": 0.5}])", "fineTuning");
        row("preferences without a parent", R"([{"op": "replace", "path": "/recipe/preference", "value": 0.5}])", "\"start\" must be continue");
        row("preferences and a teacher", R"([{"op": "replace", "path": "/recipe/preference", "value": 0.5}, {"op": "replace", "path": "/recipe/start", "value": "continue"}, {"op": "replace", "path": "/recipe/distillation", "value": 0.5}])", "\"distillation\" must be 0");
        row("preferences in half pairs", R"([{"op": "replace", "path": "/recipe/preference", "value": 0.5}, {"op": "replace", "path": "/recipe/start", "value": "continue"}, {"op": "replace", "path": "/recipe/accumulation", "value": 64}])", "pairs");
        row("nothing but preferences in half pairs", R"([{"op": "replace", "path": "/recipe/preference", "value": 1.0}, {"op": "replace", "path": "/recipe/start", "value": "continue"}, {"op": "replace", "path": "/recipe/batch", "value": 33}])", "pairs");
        row("closeness of no preferences", R"([{"op": "replace", "path": "/recipe/preferenceBeta", "value": 0.5}])", "preferenceBeta");
        row("an ensemble of one", R"([{"op": "replace", "path": "/recipe/start", "value": "ensemble"}, {"op": "replace", "path": "/recipe/members", "value": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}])", "two");
        row("an ensemble that is trained on", R"([{"op": "replace", "path": "/recipe/start", "value": "ensemble"}, {"op": "replace", "path": "/recipe/members", "value": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]}, {"op": "replace", "path": "/recipe/fineTuning", "value": 0.5}])", "fineTuning");
        row("moments from nowhere", R"([{"op": "replace", "path": "/recipe/moments", "value": "carry"}])", "continue");
        row("moments of another sort", R"([{"op": "replace", "path": "/recipe/moments", "value": "halve"}])", "reset, carry");
        row("whole moments for adapters", R"([{"op": "replace", "path": "/recipe/moments", "value": "carry"}, {"op": "replace", "path": "/recipe/start", "value": "continue"}, {"op": "replace", "path": "/adaptation/method", "value": "lora"}])", "low rank");
        row("a population of one", R"([{"op": "replace", "path": "/recipe/population", "value": 1}])", "two models");
        row("a population without end", R"([{"op": "replace", "path": "/recipe/population", "value": 64}, {"op": "replace", "path": "/recipe/generations", "value": 1000}])", "4096");
        row("a population of an average", R"([{"op": "replace", "path": "/recipe/population", "value": 4}, {"op": "replace", "path": "/recipe/start", "value": "average"}, {"op": "replace", "path": "/recipe/members", "value": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]}])", "scratch or continues");
        row("a population with a teacher", R"([{"op": "replace", "path": "/recipe/population", "value": 4}, {"op": "replace", "path": "/recipe/distillation", "value": 0.5}])", "labels alone");
        row("a population that labels for itself", R"([{"op": "replace", "path": "/recipe/population", "value": 4}, {"op": "replace", "path": "/data/selfTraining", "value": 0.5}])", "population");
        row("a population with steps of different length", R"([{"op": "replace", "path": "/recipe/population", "value": 4}, {"op": "replace", "path": "/data/bucketing", "value": true}])", "population");
        row("the mixture is a list", R"([{"op": "replace", "path": "/data/mixture", "value": []}])", "mixture");
    }
    void refusesWhatIsNoGenome()
    {
        QFETCH(QString, patch);
        QFETCH(QString, named);
        const auto genome = applyPatch(demoGenome(), Json::parse(patch.toStdString()));
        QVERIFY(!genome);
        QCOMPARE(genome.error().code, Code::BadInput);
        QVERIFY2(genome.error().text.find(named.toStdString()) != std::string::npos, genome.error().text.c_str());
    }

    void thePatchBetweenLeadsThere()
    {
        Genome child = demoGenome();
        child.recipe.learningRate = 0.004;
        child.architecture.layers = 3;
        child.data.mixture = {{"digits", {{"2", 1.0}}}};              // other keys: replaced as a whole
        child.tools.allowed = {"calculator"};
        const Json patch = patchBetween(demoGenome(), child);
        QCOMPARE(patch.size(), 4U);
        QCOMPARE(applyPatch(demoGenome(), patch)->hash(), child.hash());
        QVERIFY(patchBetween(child, child).empty());
    }

    // Versions are named by this hash: what is younger than them must not rename them.
    void namesNoVersionsWhereThereAreNone()
    {
        const Json recipe = demoGenome().toJson().at("recipe");
        for (const char* path : {"teachers", "members", "fineTuning", "moments"}) {
            QVERIFY(!recipe.contains(path));
            QVERIFY(demoGenome().document().at("recipe").contains(path));
        }
        Genome distilled = demoGenome();
        distilled.recipe.distillation = 0.5;
        distilled.recipe.teachers = {b, a};
        const Json patch = patchBetween(demoGenome(), distilled);
        QCOMPARE(patch.size(), 2U);
        QCOMPARE(patch[1], (Json{{"op", "replace"}, {"path", "/recipe/teachers"}, {"value", {b, a}}}));
        QCOMPARE(applyPatch(demoGenome(), patch)->toJson(), distilled.toJson());
        QCOMPARE(applyPatch(distilled, patchBetween(distilled, demoGenome()))->hash(), demoGenome().hash());
    }

    void averagesTrainOnlyWhenTheySaySo()
    {
        Genome average = demoGenome();
        QVERIFY(average.recipe.trains() && !average.recipe.isAverage());
        average.recipe.start = "soup";
        average.recipe.members = {a, b};
        QVERIFY(Genome::fromJson(average.toJson()));
        QVERIFY(average.recipe.isAverage() && !average.recipe.trains());
        average.recipe.fineTuning = 0.25;
        QVERIFY(Genome::fromJson(average.toJson())->recipe.trains());
    }

    void anEnsembleIsAllItsMembers()
    {
        Genome ensemble = demoGenome();
        QCOMPARE(ensemble.models().size(), 1U);
        ensemble.recipe.start = "ensemble";
        ensemble.recipe.members = {a, b};
        QVERIFY(Genome::fromJson(ensemble.toJson()));
        QVERIFY(!ensemble.recipe.trains() && !ensemble.recipe.isAverage());
        QCOMPARE(ensemble.models().size(), 2U);
        QCOMPARE(parameterCount(ensemble, 14), 2 * parameterCount(ensemble.architecture, 14));
        QCOMPARE(parameterCount(demoGenome(), 14), parameterCount(demoGenome().architecture, 14));
    }

    void readsAGenomeOfTheFirstVersion()
    {
        Json old = demoGenome().toJson();
        for (const char* younger : {"experts", "window", "bias", "memoryTokens"})
            old["architecture"].erase(younger);
        old["adaptation"] = {{"method", "full"}};
        old["tools"] = {{"allowed", Json::array()}};
        const auto genome = Genome::fromJson(old);
        QVERIFY(genome);
        QCOMPARE(genome->hash(), demoGenome().hash());
    }

    void countsParametersAsByHand()
    {
        Architecture a;
        a.layers = 1;
        a.width = 8;
        a.heads = a.kvHeads = 2;
        a.feedForwardWidth = 16;
        a.context = 10;
        // token 14*8, position 10*8, two norms and the last 3*(8+8), qkv 24*8, output 8*8, up 16*8, down 8*16
        QCOMPARE(parameterCount(a, 14), 112 + 80 + 48 + 192 + 64 + 128 + 128);
        a.tied = false;
        QCOMPARE(parameterCount(a, 14), 752 + 112);
        a.kvHeads = 1;                                                  // keys and values of one head of 4: qkv 16*8
        QCOMPARE(parameterCount(a, 14), 864 - 64);
        a.experts = 4;                                                  // router 4*8, and three more of up and down
        QCOMPARE(parameterCount(a, 14), 800 + 32 + 3 * 256);
        a.memoryTokens = 3;                                             // keys and values 3*4
        a.valueEmbedding = true;                                        // 14*4
        QCOMPARE(parameterCount(a, 14), 1600 + 24 + 56);
        a.experts = 0;
        a.bias = true;                                                  // qkv 16, output 8, up 16, down 8
        QCOMPARE(parameterCount(a, 14), 800 + 24 + 56 + 48);
    }

    void countsComputeAsKaplanDoes()
    {
        Architecture a;
        a.layers = 1;
        a.width = 8;
        a.heads = a.kvHeads = 2;
        a.feedForwardWidth = 16;
        a.context = 10;
        QCOMPARE(trainingFlops(a, 14, 5).value, 6.0 * (752 - 80) + 12.0 * 1 * 8 * 5);   // the positions are looked up
        QVERIFY(trainingFlops(a, 14, 6) > trainingFlops(a, 14, 5));
        Architecture teacher = a;                                       // beside: a forward pass, a third
        teacher.layers = 3;
        QCOMPARE(trainingFlops(a, 14, 5, {teacher, a}).value,
                 trainingFlops(a, 14, 5).value * 4 / 3 + trainingFlops(teacher, 14, 5).value / 3);
    }
};

QTEST_GUILESS_MAIN(TestGenome)
#include "tst_genome.moc"

// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include "tests/core/demo_space.h"

using namespace ratchet;

class TestSearchSpace : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void readsWhatItWrote()
    {
        const Json json = demoSpace().toJson();
        QCOMPARE(SearchSpace::fromJson(json)->toJson(), json);
        QCOMPARE(demoSpace().paths().size(), 13U);
    }

    void refusesWhatIsNoSpace_data()
    {
        QTest::addColumn<QString>("text");
        const auto row = [](const char* name, const char* text) { QTest::addRow("%s", name) << text; };
        row("no object", "[]");
        row("no paths", R"({"maxParameters": 1})");
        row("paths in a list", R"({"paths": [], "maxParameters": 1})");
        row("no largest model", R"({"paths": {}})");
        row("no choices", R"({"paths": {"/recipe/warmup": {"choices": []}}, "maxParameters": 1})");
        row("a range from above to below", R"({"paths": {"/recipe/warmup": {"low": 2, "high": 1}}, "maxParameters": 1})");
        row("half a range", R"({"paths": {"/recipe/warmup": {"low": 2}}, "maxParameters": 1})");
        row("a logarithm of zero", R"({"paths": {"/recipe/warmup": {"low": 0, "high": 1, "log": true}}, "maxParameters": 1})");
        row("no versions", R"({"paths": {"/recipe/warmup": {"versions": 0}}, "maxParameters": 1})");
        row("versions and choices", R"({"paths": {"/recipe/warmup": {"versions": 1, "low": 2}}, "maxParameters": 1})");
        row("a misspelt bound", R"({"paths": {"/recipe/warmup": {"low": 0, "high": 1, "hihg": 2}}, "maxParameters": 1})");
        row("a path that no genome has", R"({"paths": {"/recipe/warmpu": {"low": 0, "high": 1}}, "maxParameters": 1})");
        row("a path without a slash", R"({"paths": {"recipe": {"choices": [1]}}, "maxParameters": 1})");
        row("a path with a stray tilde", R"({"paths": {"/recipe/a~b": {"low": 0, "high": 1}}, "maxParameters": 1})");
        row("a part of the mixture with a stray tilde", R"({"paths": {"/data/mixture/a~b": {"low": 0, "high": 1}}, "maxParameters": 1})");
        row("an index beyond every list", R"({"paths": {"/recipe/teachers/99999999999999999999": {"choices": [1]}}, "maxParameters": 1})");
        row("a field of its own", R"({"paths": {}, "maxParameters": 1, "also": "everything"})");
    }
    void refusesWhatIsNoSpace()
    {
        QFETCH(QString, text);
        const auto space = SearchSpace::fromJson(Json::parse(text.toStdString()));
        QVERIFY(!space);
        QCOMPARE(space.error().code, Code::BadInput);
    }

    void admits_data()
    {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("fault");                            // empty: admitted
        const auto row = [](const char* name, const char* path, const char* value, const char* fault) {
            QTest::addRow("%s", name) << path << value << fault;
        };
        row("a listed choice", "/reasoning/format", R"("reversed")", "");
        row("a choice that is not listed", "/reasoning/format", R"("rot13")", "one of");
        row("the lower end of a range", "/recipe/learningRate", "1e-4", "");
        row("the upper end of a range", "/recipe/learningRate", "1e-2", "");
        row("just above a range", "/recipe/learningRate", "0.0100001", "between");
        row("a whole number inside", "/architecture/layers", "6", "");
        row("a whole number outside", "/architecture/layers", "7", "between 1 and 6");
        row("a path that is closed", "/architecture/context", "32", "does not allow /architecture/context");
        row("a leaf below an open path, together a choice", "/data/mixture/digits", R"({"1": 0.5, "2": 0.5})", "");
        row("a leaf below an open path, together none", "/data/mixture/digits/1", "0.9", "/data/mixture");
        row("more parameters than allowed", "/architecture/feedForwardWidth", "512", "");
    }
    void admits()
    {
        QFETCH(QString, path);
        QFETCH(QString, value);
        QFETCH(QString, fault);
        const Json patch{{{"op", "replace"}, {"path", path.toStdString()}, {"value", Json::parse(value.toStdString())}}};
        const auto child = applyPatch(demoGenome(), patch);
        QVERIFY2(child, child ? "" : child.error().text.c_str());
        const Status admitted = demoSpace().admits(demoGenome(), *child, demoVocabulary);
        QCOMPARE(admitted.has_value(), fault.isEmpty());
        if (!admitted) {
            QCOMPARE(admitted.error().code, Code::Refused);
            QVERIFY2(admitted.error().text.find(fault.toStdString()) != std::string::npos, admitted.error().text.c_str());
        }
    }

    void boundsHowManyVersionsAreNamed()
    {
        Json json = demoSpace().toJson();
        json["paths"]["/recipe/distillation"] = {{"low", 0}, {"high", 1}};
        Genome child = demoGenome();
        child.recipe.distillation = 0.5;
        child.recipe.teachers = {std::string(64, 'a'), std::string(64, 'b')};
        const auto admitted = [&](const Json& bound) {
            json["paths"]["/recipe/teachers"] = bound;
            const auto space = SearchSpace::fromJson(json);
            return space->toJson() == json ? space->admits(demoGenome(), child, demoVocabulary) : Status(fail(Code::Failed, "It is not written as it was read."));
        };
        QVERIFY(admitted({{"versions", 2}}));
        const Status tooMany = admitted({{"versions", 1}});
        QVERIFY(!tooMany && tooMany.error().text.find("at most 1 versions") != std::string::npos);
        json["paths"].erase("/recipe/teachers");
        const Status closed = SearchSpace::fromJson(json)->admits(demoGenome(), child, demoVocabulary);
        QVERIFY(!closed && closed.error().text.find("does not allow /recipe/teachers") != std::string::npos);
    }

    void boundsTheSizeOfTheModel()
    {
        Genome child = demoGenome();
        child.architecture.layers = 6;
        child.architecture.feedForwardWidth = 512;
        QVERIFY(parameterCount(child.architecture, demoVocabulary) > 400000);
        const Status admitted = demoSpace().admits(demoGenome(), child, demoVocabulary);
        QVERIFY(!admitted && admitted.error().text.find("parameters") != std::string::npos);
    }

    void everyChangeIsLookedAt()
    {
        Genome child = demoGenome();
        child.recipe.optimizer = "muon";                               // allowed
        child.recipe.clip = 7;                                         // not
        QVERIFY(!demoSpace().admits(demoGenome(), child, demoVocabulary));
        QVERIFY(demoSpace().admits(child, child, demoVocabulary));     // what is not changed is not looked at
    }
};

QTEST_GUILESS_MAIN(TestSearchSpace)
#include "tst_search_space.moc"

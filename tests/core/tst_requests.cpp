// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTemporaryDir>
#include <QtTest>

#include "core/base/sign.h"
#include "core/store/lab.h"

using namespace ratchet;

namespace {

struct Place {
    QTemporaryDir folder;
    LabPaths lab{std::filesystem::path(folder.path().toStdString())};
    Place()
    {
        if (!makeFolder(lab.requests()) || !makeFolder(lab.keys(), 0700) || !createKeys(lab.keys()))
            qFatal("no place for a lab");
    }
    [[nodiscard]] std::filesystem::path onlyFile() const
    {
        for (const auto& entry : std::filesystem::directory_iterator(lab.requests()))
            if (entry.is_regular_file())
                return entry.path();
        return {};
    }
};

Request example(const std::string& kind, int second)
{
    return {kind, "person:ana", Json{{"version", "abcd"}, {"reason", "Läuft."}}, Time(std::chrono::seconds(1'700'000'000 + second))};
}

} // namespace

class TestRequests : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void areTakenOldestFirst();
    void stayUntilTheyAreCarriedOut();
    void areTakenWhileOneIsCarriedOut();
    void strangersAreRefused_data();
    void strangersAreRefused();
    void unknownKindsAreNotEvenPut();
    void anotherLabsRequestIsRefused();
    void needTheKey();
};

void TestRequests::stayUntilTheyAreCarriedOut()
{
    Place place;
    QVERIFY(putRequest(place.lab, example("pause", 1)));
    QVERIFY(putRequest(place.lab, example("approve", 5)));
    std::vector<std::string> seen;
    const auto cut = takeRequests(place.lab, [&](const Request& request) -> Result<Taken> {
        seen.push_back(request.kind);
        if (request.kind == "approve")
            return fail(Code::Environment, "The disk is full.");
        return Taken::Done;
    });
    QVERIFY(!cut);
    QCOMPARE(seen.size(), 2U);
    const TakenRequests again = takeRequests(place.lab).value();
    QCOMPARE(again.requests.size(), 1U);
    QCOMPARE(again.requests[0].kind, "approve");
}

// What an engine does while a judge answers for one request: it looks for others, and leaves those that must wait.
void TestRequests::areTakenWhileOneIsCarriedOut()
{
    Place place;
    for (const char* kind : {"approve", "rollback", "pause"})
        QVERIFY(putRequest(place.lab, example(kind, 1)));
    std::vector<std::string> done;
    const auto taken = takeRequests(place.lab, [&](const Request& request) -> Result<Taken> {
        if (request.kind == "approve")
            RATCHET_CHECK(takeRequests(place.lab, [&](const Request& inner) -> Result<Taken> {
                if (inner.kind != "pause")
                    return Taken::Later;
                done.push_back(inner.kind);
                return Taken::Done;
            }));
        done.push_back(request.kind);
        return Taken::Done;
    });
    QVERIFY2(taken, taken ? "" : taken.error().text.c_str());
    QVERIFY(taken->refused.empty());
    QCOMPARE(done, (std::vector<std::string>{"pause", "approve", "rollback"}));
    QVERIFY(place.onlyFile().empty());
}

void TestRequests::areTakenOldestFirst()
{
    Place place;
    QVERIFY(putRequest(place.lab, example("approve", 5)));
    QVERIFY(putRequest(place.lab, example("pause", 1)));
    QVERIFY(putRequest(place.lab, example("rollback", 9)));
    const TakenRequests taken = takeRequests(place.lab).value();
    QVERIFY(taken.refused.empty());
    QCOMPARE(taken.requests.size(), 3U);
    QCOMPARE(taken.requests[0].kind, "pause");
    QCOMPARE(taken.requests[1].kind, "approve");
    QCOMPARE(taken.requests[2].kind, "rollback");
    QCOMPARE(taken.requests[1].actor, "person:ana");
    QCOMPARE(taken.requests[1].arguments, example("approve", 5).arguments);
    QCOMPARE(taken.requests[1].created, example("approve", 5).created);
    QVERIFY(takeRequests(place.lab).value().requests.empty());
    QVERIFY(place.onlyFile().empty());
}

void TestRequests::strangersAreRefused_data()
{
    QTest::addColumn<QString>("how");
    QTest::addRow("another actor under the same signature") << "actor";
    QTest::addRow("a signature of something else") << "signature";
    QTest::addRow("no signature") << "unsigned";
    QTest::addRow("half a file") << "half";
    QTest::addRow("nothing in it") << "empty";
    QTest::addRow("signed, but no request") << "body";
    QTest::addRow("signed, but a kind nobody knows") << "kind";
    QTest::addRow("two megabytes") << "huge";
}

void TestRequests::strangersAreRefused()
{
    QFETCH(QString, how);
    Place place;
    QVERIFY(putRequest(place.lab, example("approve", 1)));
    const std::filesystem::path file = place.onlyFile();
    std::string text = readFile(file).value();
    Json json = parseJson(text, "it").value();
    const auto resign = [&](const std::string& body) {
        json = {{"body", body}, {"signature", signText(place.lab.keys(), body).value()}};
        return json.dump();
    };
    if (how == "actor")
        text.replace(text.find("person:ana"), 10, "person:eve");
    else if (how == "signature")
        text = Json{{"body", json["body"]}, {"signature", signText(place.lab.keys(), "else").value()}}.dump();
    else if (how == "unsigned")
        text = Json{{"body", json["body"]}}.dump();
    else if (how == "half")
        text = text.substr(0, text.size() / 2);
    else if (how == "empty")
        text.clear();
    else if (how == "body")
        text = resign("{\"kind\": \"approve\"}");
    else if (how == "kind")
        text = resign(R"({"actor":"person:ana","arguments":{},"created":1,"kind":"format-disk"})");
    else
        text = std::string(2 << 20, ' ') + text;
    QVERIFY(writeFile(file, text));
    QVERIFY(putRequest(place.lab, example("pause", 2)));
    const TakenRequests taken = takeRequests(place.lab).value();
    QCOMPARE(taken.requests.size(), 1U);      // the good one behind it still comes through
    QCOMPARE(taken.requests[0].kind, "pause");
    QCOMPARE(taken.refused.size(), 1U);
    QVERIFY(taken.refused[0].find(file.filename().string()) != std::string::npos);
    QVERIFY(std::filesystem::exists(place.lab.requests() / "refused" / file.filename()));
    QVERIFY(takeRequests(place.lab).value().refused.empty());
}

void TestRequests::unknownKindsAreNotEvenPut()
{
    Place place;
    QCOMPARE(putRequest(place.lab, example("format-disk", 1)).error().code, Code::BadInput);
    QVERIFY(place.onlyFile().empty());
}

void TestRequests::anotherLabsRequestIsRefused()
{
    Place here, there;
    QVERIFY(putRequest(there.lab, example("approve", 1)));
    std::filesystem::copy_file(there.onlyFile(), here.lab.requests() / there.onlyFile().filename());
    const TakenRequests taken = takeRequests(here.lab).value();
    QVERIFY(taken.requests.empty());
    QCOMPARE(taken.refused.size(), 1U);
}

void TestRequests::needTheKey()
{
    Place place;
    std::filesystem::remove(place.lab.keys() / "private.pem");
    QVERIFY(!putRequest(place.lab, example("approve", 1)));
    QVERIFY(place.onlyFile().empty());
    std::filesystem::remove_all(place.lab.requests());
    QVERIFY(takeRequests(place.lab).value().requests.empty());
}

QTEST_GUILESS_MAIN(TestRequests)
#include "tst_requests.moc"

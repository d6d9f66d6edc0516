// SPDX-License-Identifier: GPL-3.0-or-later
// Messages survive the way there and back, and every lie about a number is refused.
#include <QtTest>

#include <cmath>
#include <functional>
#include <limits>

#include "core/launch/messages.h"
#include "core/launch/text.h"

using namespace ratchet;

namespace {

const double notANumber = std::numeric_limits<double>::quiet_NaN();

std::vector<Message> oneOfEach()
{
    const Artifact artifact{"abc", Json::object(), "/w.safetensors"};
    TrainSpec train{7, 18446744073709551615ULL, "arithmetic", "", Json{{"a", 1}}, nullptr, "", 4e11, "/tmp/x", {Json{{"a", "1"}}},
                    {Json{{"question", Json{{"a", "1"}}}, {"answer", "2"}}}, 5.5, {artifact}, Json{{"kind", "bytes"}}, {artifact, artifact}, 2e9,
                    {Json{{"question", Json{{"a", "1"}}}, {"chosen", "2"}, {"rejected", "3"}}}, 0.25, "/m.safetensors", true};
    Sample sample{Json{{"a", "1"}}, "1+1=", "2", "2", "3", "", "carry", 1, 0.25};
    Scores scores{"addition-3", "guide", {0, 0.5, 1}, {1, 1, 0}, Json{{"carry", 1}}, Json::object(), {sample}, 0.5, 1e9};
    return {train,
            JudgeSpec{"arithmetic", "", "/lab/judge", 3, artifact, Artifact{}, {}, nullptr},
            Ask{"addition-3", "gate", 100},
            ServeSpec{"text", "/c", "127.0.0.1", 0, "secret", artifact, Json{{"kind", "bpe"}}},
            Load{artifact},
            RewardSpec{"learn", "arithmetic", "", Json{{"kind", "bytes"}}, 3, {artifact, artifact}, artifact,
                       {Json{{"question", Json{{"a", "1"}}}, {"answer", "2"}, {"right", true}}}, 200, 1e9, 2e9, "/tmp/y"},
            Proceed{},
            Stop{},
            Hello{1, "0.1.0", "worker", 12, Json{{"level", 2}}, Json::object()},
            Failure{"bad-input", "It broke."},
            Progress{10, 1000, 1e9, 0.5, 2.25, "training"},
            Points{10, {{"loss", -1.5}, {"learning-rate", 1e-3}}},
            Observation{10, {{"block.0.attention", {{"mean", 0.1}}, {0, 4, 1}}}, nullptr},
            Proxy{10, 0.5, -1.5, 1e9, 200},
            Trained{"/w", 1, 2, 3, 4, 5, 6, 7, nullptr, Json{{"dropped", 3}}, 0.25, Json{{"pairs", 9}}, Json::array(), "/n", Json{{"note", "Kept."}}},
            Integrity{{{"finite", true, "all of them"}}, Json::object()},
            scores,
            Graded{"/r", "Why not.", 10, 20, 5, 1, 100, {Verified{0.25, false, "carry", 0.5}, Verified{1, true, "", 1}}, 1e9},
            Rewards{{0.5, 0.75}, 200, 1e8},
            Listening{8080},
            Served{"abc", "1+1=", "2", 0.01},
            FeedbackGiven{"abc", "1+1=", "3", "2", -1}};
}

template <typename T> T only(const std::vector<Message>& all)
{
    for (const Message& message : all)
        if (const auto* one = std::get_if<T>(&message))
            return *one;
    qFatal("no such message");
}

template <typename T> Json changed(T message, const std::function<void(T&)>& change)
{
    change(message);
    return toJson(message);
}

} // namespace

class TestMessages : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everyKindSurvivesTheWayThereAndBack()
    {
        const auto all = oneOfEach();
        QCOMPARE(all.size(), std::variant_size_v<Message>);
        for (std::size_t i = 0; i < all.size(); ++i) {
            QCOMPARE(all[i].index(), i);
            const auto back = messageFromJson(toJson(all[i]));
            QVERIFY2(back, back ? "" : back.error().text.c_str());
            QCOMPARE(back->index(), i);
            QVERIFY(toJson(*back) == toJson(all[i]));
        }
    }

    void everyFieldIsNeededAndNoOtherIsTaken()
    {
        for (const Message& message : oneOfEach()) {
            const Json whole = toJson(message);
            for (const auto& entry : whole.items()) {
                Json less = whole;
                less.erase(entry.key());
                QVERIFY2(!messageFromJson(less), entry.key().c_str());
            }
            Json more = whole;
            more["surprise"] = 1;
            QVERIFY(!messageFromJson(more));
        }
    }

    void everyFieldOfTheWrongTypeIsRefused()
    {
        for (const Message& message : oneOfEach()) {
            const Json whole = toJson(message);
            for (const auto& entry : whole.items()) {
                if (entry.value().is_null())
                    continue;
                Json wrong = whole;
                wrong[entry.key()] = entry.value().is_string() ? Json(1) : Json("one");
                const bool anything = QStringList{"files", "attention", "data", "preference", "population"}.contains(QString::fromStdString(entry.key()));
                QVERIFY2(anything || !messageFromJson(wrong), (std::string(whole["type"]) + "." + entry.key()).c_str());
            }
        }
    }

    void lies_data()
    {
        QTest::addColumn<QString>("text");
        const auto row = [](const char* sentence, const Json& json) {
            QTest::addRow("%s", sentence) << QString::fromStdString(json.dump());
        };
        const auto all = oneOfEach();
        const auto progress = only<Progress>(all);
        const auto scores = only<Scores>(all);
        row("a fraction above one", changed<Progress>(progress, [](Progress& m) { m.fraction = 1.01; }));
        row("a negative step", changed<Progress>(progress, [](Progress& m) { m.step = -1; }));
        row("negative compute", changed<Progress>(progress, [](Progress& m) { m.flops = -1; }));
        row("a score above one", changed<Scores>(scores, [](Scores& m) { m.challenger[1] = 1.5; }));
        row("a score below zero", changed<Scores>(scores, [](Scores& m) { m.champion[0] = -0.1; }));
        row("one score too few", changed<Scores>(scores, [](Scores& m) { m.challenger.pop_back(); }));
        row("an unknown split", changed<Scores>(scores, [](Scores& m) { m.split = "train"; }));
        row("samples of the gate", changed<Scores>(scores, [](Scores& m) { m.split = "gate"; }));
        row("a class counted below zero", changed<Scores>(scores, [](Scores& m) { m.championClasses["carry"] = -1; }));
        row("a confidence of two", changed<Scores>(scores, [](Scores& m) { m.samples[0].championConfidence = 2; }));
        row("a rating of five", changed<FeedbackGiven>(only<FeedbackGiven>(all), [](FeedbackGiven& m) { m.rating = 5; }));
        row("port zero", changed<Listening>(Listening{1}, [](Listening& m) { m.port = 0; }));
        row("a count below zero in a histogram",
            changed<Observation>(only<Observation>(all), [](Observation& m) { m.layers[0].histogram[0] = -1; }));
        const auto graded = only<Graded>(all);
        row("a probability above one", changed<Graded>(graded, [](Graded& m) { m.answers[0].predicted = 1.5; }));
        row("an answer surer than sure", changed<Graded>(graded, [](Graded& m) { m.answers[0].confidence = 2; }));
        row("a right answer that failed", changed<Graded>(graded, [](Graded& m) { m.answers[1].failureClass = "carry"; }));
        row("more right answers than answers", changed<Graded>(graded, [](Graded& m) { m.right = 21; }));
        row("a mean reward below zero", changed<Rewards>(only<Rewards>(all), [](Rewards& m) { m.means[0] = -0.1; }));
        row("graded feedback without a grade", changed<RewardSpec>(only<RewardSpec>(all), [](RewardSpec& m) { m.feedback[0].erase("right"); }));
        row("a task that no reward model has", changed<RewardSpec>(only<RewardSpec>(all), [](RewardSpec& m) { m.task = "promote"; }));
        row("an unknown type", Json{{"type", "promote"}});
        row("no type", Json::object());
        row("a list", Json::array({1, 2}));
        row("a count with a fraction", Json{{"type", "ask"}, {"suite", "a"}, {"split", "gate"}, {"count", 1.5}});
        row("a count beyond 64 bits",
            Json{{"type", "observation"}, {"step", 18446744073709551615ULL}, {"layers", Json::array()}, {"attention", nullptr}});
    }
    void lies()
    {
        QFETCH(QString, text);
        const auto result = messageFromJson(Json::parse(text.toStdString()));
        QVERIFY(!result);
        QCOMPARE(result.error().code, Code::BadInput);
        QVERIFY(QString::fromStdString(result.error().text).endsWith(QLatin1Char('.')));
    }

    void noNumberMayBeUnfinite()
    {
        for (const double bad : {notANumber, HUGE_VAL, -HUGE_VAL}) {
            QVERIFY(!messageFromJson(toJson(Progress{1, 1, 1, 0.5, bad, "training"})));
            QVERIFY(!messageFromJson(toJson(Points{1, {{"loss", bad}}})));
            QVERIFY(!messageFromJson(toJson(Scores{"a", "gate", {bad}, {0.5}, Json::object(), Json::object(), {}, 0, 0})));
            QVERIFY(!messageFromJson(toJson(Observation{1, {{"head", {{"mean", bad}}, {}}}, nullptr})));
            QVERIFY(!messageFromJson(toJson(Observation{1, {}, Json{{"deep", Json::array({Json{{"in", bad}}})}}})));
            QVERIFY(!messageFromJson(toJson(Trained{"/w", 1, 1, 1, 1, 1, bad, 1, nullptr, nullptr, 0})));
        }
    }

    void theFieldIsNamed()
    {
        const auto result = messageFromJson(toJson(Progress{1, 1, 1, 2, 1, "training"}));
        QVERIFY(!result);
        QCOMPARE(QString::fromStdString(result.error().text), QStringLiteral("In a \"progress\" message: \"fraction\" is out of range."));
    }

    void answersThatAreNoUtf8AreCleanedBeforeTheyAreSent()
    {
        const auto back = messageFromJson(toJson(Served{"v", "p", "ab\xff\xc3", 0}));
        QVERIFY(back);
        QCOMPARE(std::get<Served>(*back).completion, std::string("ab\xef\xbf\xbd\xef\xbf\xbd"));
        Json raw = toJson(Served{"v", "p", "c", 0});
        raw["completion"] = "\xff";
        QVERIFY(!messageFromJson(raw));
    }

    void wellFormedText_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<bool>("wellFormed");
        QTest::addRow("plain") << QByteArray("abc") << true;
        QTest::addRow("two, three and four bytes") << QByteArray("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80") << true;
        QTest::addRow("an overlong slash") << QByteArray("\xc0\xaf") << false;
        QTest::addRow("a surrogate") << QByteArray("\xed\xa0\x80") << false;
        QTest::addRow("beyond the last character") << QByteArray("\xf4\x90\x80\x80") << false;
        QTest::addRow("cut short") << QByteArray("\xe2\x82") << false;
        QTest::addRow("a lone continuation") << QByteArray("\x80") << false;
    }
    void wellFormedText()
    {
        QFETCH(QByteArray, text);
        QFETCH(bool, wellFormed);
        QCOMPARE(isUtf8(text.toStdString()), wellFormed);
        QVERIFY(isUtf8(cleanUtf8(text.toStdString())));
        QCOMPARE(cleanUtf8(text.toStdString()) == text.toStdString(), wellFormed);
    }
};

QTEST_GUILESS_MAIN(TestMessages)
#include "tst_messages.moc"

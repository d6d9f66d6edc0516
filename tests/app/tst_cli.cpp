// SPDX-License-Identifier: GPL-3.0-or-later
// The built `ratchet` against bad input: exit status and one clear sentence on stderr; and its --help against a
// reviewed file.
#include <QtTest>

#include <QDirIterator>
#include <QProcess>
#include <QRegularExpression>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct Outcome {
    int status = -1;
    QString out, err;
};

Outcome runProgram(const QString& name, const QStringList& arguments, const QMap<QString, QString>& settings = {})
{
    QProcess process;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    for (auto it = settings.begin(); it != settings.end(); ++it)
        environment.insert(it.key(), it.value());
    process.setProcessEnvironment(environment);
    process.start(QStringLiteral(RATCHET_BIN_DIR "/") + name, arguments);
    if (!process.waitForFinished(200'000))
        process.kill();
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
}

void write(const QString& path, const QByteArray& content)
{
    QFile file(path);
    QVERIFY2(file.open(QIODevice::WriteOnly) && file.write(content) == content.size(), qPrintable(path));
}

void copyFolder(const QString& from, const QString& to)
{
    QCOMPARE(QProcess::execute(QStringLiteral("cp"), {QStringLiteral("-a"), from, to}), 0);
}

// Flips one bit in the middle of the first file that `pattern` finds below `folder`.
void flipByte(const QString& folder, qint64 least)
{
    for (QDirIterator walk(folder, QDir::Files, QDirIterator::Subdirectories); walk.hasNext();) {
        QFile file(walk.next());
        if (file.size() < least || !file.open(QIODevice::ReadWrite))
            continue;
        file.seek(file.size() / 2);
        const char byte = file.peek(1).at(0);
        const char flipped = static_cast<char>(byte ^ 1);
        QCOMPARE(file.write(&flipped, 1), 1);
        return;
    }
    QFAIL("no file to damage");
}

} // namespace

class TestCli : public QObject {
    Q_OBJECT
private:
    QTemporaryDir m_temporary;
    QString m_lab; // made, never run
    QString m_ran; // one tooth on a tiny budget
    int m_lock = -1, m_socket = -1;
    int m_port = 0;

    [[nodiscard]] QString at(const QString& name) const { return m_temporary.filePath(name); }

    void makeCorpora()
    {
        write(at("empty.txt"), "");
        write(at("binary.txt"), QByteArray(4096, '\0'));
        write(at("line.txt"), QByteArray(100'000, 'a'));
        write(at("patch.json"), R"([{"op": "replace", "path": "/recipe/learningRate", "value": 5}])");
        write(at("broken.json"), "{\"op\": ");
        write(at("object.json"), R"({"op": "replace"})");
        write(at("selfless.json"), R"([{"op": "replace", "path": "/architecture/heads", "value": 3}])");
        QByteArray lines;
        for (int i = 100; i < 200; ++i)
            lines += "{\"question\": \"" + QByteArray::number(i * i * i).repeated(3000).left(3003) + "\", \"answer\": \"" + QByteArray::number(i) + "\"}\n";
        write(at("long.jsonl"), lines);
        write(at("file"), "not a folder");
        QDir().mkpath(at("nothing"));
        QDir().mkpath(at("copies"));
        for (int i = 0; i < 300; ++i)
            write(at("copies/%1.txt").arg(i), QByteArray("All of these pages hold the same few sentences, as pages that a machine wrote often do. ").repeated(6)
                                                  + "Page " + QByteArray::number(i) + ".\n");
        QDir().mkpath(at("plugins"));
        write(at("plugins/arithmetic.so"), "no module");
    }

    void makeDamagedLabs()
    {
        copyFolder(m_lab, at("newer"));
        QFile config(at("newer/lab.json"));
        QVERIFY(config.open(QIODevice::ReadOnly));
        QString text = QString::fromUtf8(config.readAll());
        config.close();
        text.replace(QRegularExpression(QStringLiteral("\"format\":\\s*\\d+")), QStringLiteral("\"format\": 999"));
        write(at("newer/lab.json"), text.toUtf8());
        copyFolder(m_ran, at("baddatabase"));
        QFile::remove(at("baddatabase/ratchet.db-wal"));
        write(at("baddatabase/ratchet.db"), QByteArray(8192, 'x'));
        copyFolder(m_ran, at("flipped"));
        flipByte(at("flipped/objects"), 10'000);
        copyFolder(m_ran, at("missing"));
        QDir(at("missing/objects")).removeRecursively();
    }

    // Another engine seems to hold this lab, another program this port.
    void holdThings()
    {
        copyFolder(m_lab, at("held"));
        m_lock = ::open(qPrintable(at("held/engine.lock")), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        struct flock whole {};
        whole.l_type = F_WRLCK;
        whole.l_whence = SEEK_SET;
        QVERIFY(m_lock >= 0 && ::fcntl(m_lock, F_OFD_SETLK, &whole) == 0);
        m_socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        QVERIFY(::bind(m_socket, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(m_socket, 1) == 0);
        QVERIFY(::getsockname(m_socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        m_port = ntohs(address.sin_port);
    }

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(m_temporary.isValid());
        makeCorpora();
        m_lab = at("lab");
        Outcome made = runProgram("ratchet", {"new", m_lab, "--domain", "arithmetic", "--seed", "1"});
        QVERIFY2(made.status == 0, qPrintable(made.err));
        m_ran = at("ran");
        made = runProgram("ratchet", {"new", m_ran, "--domain", "arithmetic", "--seed", "1", "--budget", "50GFLOP",
                                      "--trial-budget", "1GFLOP", "--candidates", "2"});
        QVERIFY2(made.status == 0, qPrintable(made.err));
        const Outcome ran = runProgram("ratchet", {"run", m_ran, "--teeth", "1", "--workers", "2"});
        QVERIFY2(ran.status == 0, qPrintable(ran.out + ran.err));
        makeDamagedLabs();
        holdThings();
    }

    void cleanupTestCase()
    {
        ::close(m_lock);
        ::close(m_socket);
    }

    void badInput_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("says"); // regular expression on stderr
        const auto row = [](const char* name, const QString& arguments, int status, const QString& says) {
            QTest::addRow("%s", name) << arguments.split('|') << status << says;
        };
        row("a misspelt command is answered with the nearest one", "stauts|LAB", 2,
            "no command \"stauts\".*\n.*ratchet status");
        row("a word that is near to nothing is answered with the way to the list", "frobnicate", 2,
            "no command \"frobnicate\".*\n.*--help");
        row("an option nobody knows is a usage error", "status|LAB|--sideways", 2, "--sideways");
        row("a command without its lab is a usage error", "status", 2, "DIR");
        row("an unknown domain is answered with the nearest one", "new|@x|--domain|arithmetics", 2,
            "no domain \"arithmetics\".*\n.*\"arithmetic\"");
        row("a budget with a plural unit is malformed", "new|@x|--domain|arithmetic|--budget|10 TFLOPS", 2,
            "10 TFLOPS");
        row("a negative budget is malformed", "new|@x|--domain|arithmetic|--budget=-3", 2, "-3");
        row("a budget beyond all numbers is malformed", "new|@x|--domain|arithmetic|--budget|1e400", 2, "1e400");
        row("a goal nobody can read is a usage error", "new|@x|--domain|arithmetic|--goal|be good", 2, "goal");
        row("a guard that is no file names the file", "new|@x|--domain|arithmetic|--guard|@none.json", 1, "none.json");
        row("a guard that is no JSON names the file", "new|@x|--domain|arithmetic|--guard|@broken.json", 3,
            "broken.json.*not JSON");
        row("a lab where a file is", "new|@file|--domain|arithmetic", 3, "file");
        row("a lab where a lab is", "new|LAB|--domain|arithmetic", 3, "is a lab already");
        row("questions longer than any context", "new|@x|--domain|wordproblem|--corpus|@long.jsonl", 1, "The longest example has 3009 tokens, but the model reads 1024");
        row("a corpus that is missing", "new|@x|--domain|text|--corpus|@none.txt", 1, "none.txt");
        row("a corpus that is empty", "new|@x|--domain|text|--corpus|@empty.txt", 3, "empty");
        row("a corpus that is binary", "new|@x|--domain|text|--corpus|@binary.txt", 3, "binary");
        row("a corpus of one line", "new|@x|--domain|text|--corpus|@line.txt", 3, "line");
        row("a corpus of the same text again and again", "new|@x|--domain|text|--corpus|@copies", 3, "repeats itself, so that too little can be judged by.*\n.*Leave out copies");
        row("an alpha that no gate can keep", "new|@x|--domain|arithmetic|--alpha|1e-300", 2, "--alpha");
        row("more gate items than a level can be made for", "new|@x|--domain|arithmetic|--gate-items|2000000000", 2, "--gate-items");
        row("a smallest effect below nothing", "new|@x|--domain|arithmetic|--min-effect=-0.1", 2, "--min-effect");
        row("looks at a vault that nothing wears out", "new|@x|--domain|arithmetic|--vault-looks|3", 2, "without a corpus.*\n.*--vault-looks");
        row("fewer than no looks", "new|@x|--domain|text|--corpus|@copies|--vault-looks=-1", 2, "--vault-looks");
        row("a text lab without a corpus", "new|@x|--domain|text", 2, "corpus");
        row("a lab that is a file", "status|@file", 3, "file");
        row("a lab that is not there", "status|@none", 1, "none");
        row("a folder that is no lab", "run|@nothing|--teeth|1", 1, "nothing");
        row("a lab of a newer Ratchet", "status|@newer", 3, "newer");
        row("a damaged database", "status|@baddatabase", 3, "database|ratchet.db");
        row("a flipped byte in a checkpoint", "check|@flipped", 3, "damaged");
        row("a missing object", "check|@missing", 3, "damaged");
        row("a second engine on the same lab", "run|@held|--teeth|1", 3, "engine|another");
        row("a port in use", "serve|LAB|--port|PORT", 3, "[Pp]ort .* in use");
        row("serving before anything is live", "serve|LAB|--port|0", 1, "live");
        row("zero teeth", "run|LAB|--teeth|0", 2, "--teeth");
        row("a policy that is no JSON", "run|LAB|--teeth|1|--unattended|@broken.json", 3, "broken.json.*not JSON");
        row("a patch that is no JSON", "propose|@ran|--patch|@broken.json|--reason|why not", 3,
            "broken.json.*not JSON");
        row("a patch that is no list", "propose|@ran|--patch|@object.json|--reason|why not", 3, "patch");
        row("a patch outside the search space names path and bound",
            "propose|@ran|--patch|@patch.json|--reason|why not", 1, "/recipe/learningRate");
        row("a patch into a model that cannot be", "propose|@ran|--patch|@selfless.json|--reason|why not", 1, "\"kvHeads\" is 4");
        row("opening a path that no genome has", "space|@ran|--open|/data/lables", 2, "/data/lables.*\n.*/data/labels");
        row("opening what only a domain knows", "space|@ran|--open|/data/balance", 2, "/data/balance.*\n.*choices");
        row("opening with a bound that is none", "space|@ran|--open|/recipe/clip={\"low\": 2, \"high\": 1}", 2, "no range");
        row("opening with a bound that is no JSON", "space|@ran|--open|/recipe/clip=much", 2, "The bound of /recipe/clip is not JSON");
        row("closing what is closed", "space|@ran|--close|/recipe/clip", 1, "/recipe/clip is not open");
        row("cancelling without a number", "queue|@ran|cancel", 2, "number");
        row("cancelling what is not there", "queue|@ran|cancel|4711", 1, "4711");
        row("approving a version that is not there", "approve|@ran|ffff0000|--reason|good", 1, "ffff0000");
        row("approving without a reason", "approve|@ran|ffff0000", 2, "--reason");
        row("an empty reason", "rollback|@ran|LIVE|--reason| ", 1, "live already");
    }

    void badInput()
    {
        QFETCH(QStringList, arguments);
        QFETCH(int, status);
        QFETCH(QString, says);
        for (QString& word : arguments) {
            if (word == "LAB")
                word = m_lab;
            else if (word == "PORT")
                word = QString::number(m_port);
            else if (word == "LIVE")
                word = QJsonDocument::fromJson(runProgram("ratchet", {"status", m_ran, "--json"}).out.toUtf8())
                           .object()["live"]
                           .toString();
            else if (word.startsWith('@'))
                word = at(word.mid(1));
        }
        const Outcome outcome = runProgram("ratchet", arguments);
        const QString shown =
            QStringLiteral("exit %1\nstdout: %2\nstderr: %3").arg(outcome.status).arg(outcome.out, outcome.err);
        QVERIFY2(outcome.status == status, qPrintable(shown));
        QVERIFY2(outcome.err.startsWith("ratchet: "), qPrintable(shown));
        QVERIFY2(outcome.err.section('\n', 0, 0).endsWith('.'), qPrintable(shown));
        QVERIFY2(QRegularExpression(says).match(outcome.err).hasMatch(), qPrintable(shown));
        QVERIFY2(!QFileInfo::exists(at("x")), "a refused lab left its folder behind");
    }

    void missingParts_data()
    {
        QTest::addColumn<QString>("variable");
        QTest::addColumn<QString>("value");
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("says");
        QTest::addRow("the learner is missing")
            << "RATCHET_LEARNER"
            << "/nonexistent/learner" << QStringList{"run", "LAB", "--teeth", "1"} << "learner";
        QTest::addRow("the learner is another program") << "RATCHET_LEARNER"
                                                        << "/bin/true" << QStringList{"doctor"} << "learner";
        QTest::addRow("a plugin is no module")
            << "RATCHET_PLUGIN_PATH" << at("plugins") << QStringList{"new", "X", "--domain", "arithmetic"} << "plugin";
    }

    void missingParts()
    {
        QFETCH(QString, variable);
        QFETCH(QString, value);
        QFETCH(QStringList, arguments);
        QFETCH(QString, says);
        arguments.replaceInStrings(QRegularExpression("^LAB$"), m_lab)
            .replaceInStrings(QRegularExpression("^X$"), at("x"));
        const Outcome outcome = runProgram("ratchet", arguments, {{variable, value}});
        QVERIFY2(outcome.status == 3, qPrintable(outcome.out + outcome.err));
        QVERIFY2(outcome.err.contains(says), qPrintable(outcome.err));
    }

    void factsAreJson_data()
    {
        QTest::addColumn<QStringList>("arguments");
        for (const char* command : {"status", "report", "check", "doctor", "queue", "space", "versions", "lessons"})
            QTest::addRow("%s --json is one JSON document", command) << QStringList{command, "@ran", "--json"};
        QTest::addRow("ledger verify --json is one JSON document") << QStringList{"ledger", "verify", "@ran", "--json"};
    }

    void factsAreJson()
    {
        QFETCH(QStringList, arguments);
        arguments.replaceInStrings("@ran", m_ran);
        const Outcome outcome = runProgram("ratchet", arguments);
        QVERIFY2(outcome.status == 0, qPrintable(outcome.err));
        QJsonParseError error{};
        QJsonDocument::fromJson(outcome.out.toUtf8(), &error);
        QVERIFY2(error.error == QJsonParseError::NoError, qPrintable(error.errorString() + '\n' + outcome.out));
    }

    void aPathThatWasOpenedMayBeProposed()
    {
        const QString lab = at("opened");
        copyFolder(m_ran, lab);
        write(at("clip.json"), R"([{"op": "replace", "path": "/recipe/clip", "value": 0.5}])");
        const QStringList propose{"propose", lab, "--patch", at("clip.json"), "--reason", "Smaller steps."};
        QVERIFY(runProgram("ratchet", propose).err.contains("does not allow /recipe/clip to change"));
        Outcome done = runProgram("ratchet", {"space", lab, "--open", "/recipe/clip", "--close", "/recipe/ema", "--open", R"(/adaptation/rank={"choices": [2]})"});
        QVERIFY2(done.status == 0, qPrintable(done.err));
        const QJsonObject paths = QJsonDocument::fromJson(runProgram("ratchet", {"space", lab, "--json"}).out.toUtf8()).object()["paths"].toObject();
        QVERIFY(paths.contains("/recipe/clip") && !paths.contains("/recipe/ema") && paths["/adaptation/rank"].toObject()["choices"].toArray() == QJsonArray{2});
        QVERIFY(runProgram("ratchet", {"ledger", "verify", lab}).status == 0);
        done = runProgram("ratchet", propose);
        QVERIFY2(done.status == 0, qPrintable(done.err));
        const QRegularExpression takes("It has (\\d+) parameters and takes up to [\\d.]+ MB of memory; a step costs [\\d.]+ [GM]FLOP, and 1 GFLOP pay for about \\d+\\.\n");
        QVERIFY2(takes.match(done.out).hasMatch(), qPrintable(done.out));
        const QJsonArray versions = QJsonDocument::fromJson(runProgram("ratchet", {"versions", lab, "--json"}).out.toUtf8()).array();
        QCOMPARE(takes.match(done.out).captured(1).toInt(), versions[0].toObject()["parameters"].toInt());
    }

    void theGatesFiguresAreThePersonsOwn()
    {
        const Outcome made = runProgram("ratchet", {"new", at("own"), "--domain", "arithmetic", "--alpha", "0.1", "--gate-items", "500",
                                                    "--min-effect", "0.01", "--retained-alpha", "0.02", "--json"});
        QVERIFY2(made.status == 0, qPrintable(made.err));
        const QJsonObject lab = QJsonDocument::fromJson(made.out.toUtf8()).object();
        QCOMPARE(lab["alpha"].toDouble(), 0.1);
        QCOMPARE(lab["gateItems"].toInt(), 500);
        QCOMPARE(lab["minEffect"].toDouble(), 0.01);
        QCOMPARE(lab["retainedAlpha"].toDouble(), 0.02);
        const Outcome ofText = runProgram("ratchet", {"new", at("looks"), "--domain", "text", "--corpus", RATCHET_SOURCE_DIR "/core", "--vault-looks", "3", "--json"});
        QVERIFY2(ofText.status == 0, qPrintable(ofText.err));
        QCOMPARE(QJsonDocument::fromJson(ofText.out.toUtf8()).object()["vaultLooks"].toInt(), 3);
    }

    void anEditOfWhatTheGateMayErrIsTold()
    {
        const auto finding = [](const QString& lab) {
            const Outcome checked = runProgram("ratchet", {"check", lab, "--json"});
            for (const auto& one : QJsonDocument::fromJson(checked.out.toUtf8()).array())
                if (one.toObject()["name"] == QStringLiteral("gate"))
                    return one.toObject();
            return QJsonObject();
        };
        const QString lab = at("edited");
        copyFolder(m_ran, lab);
        QVERIFY(finding(lab)["ok"].toBool() && !finding(lab)["notice"].toBool());
        QFile config(lab + "/lab.json");
        QVERIFY(config.open(QIODevice::ReadOnly));
        QJsonObject json = QJsonDocument::fromJson(config.readAll()).object();
        config.close();
        json["alpha"] = 0.2;
        QVERIFY(config.setPermissions(config.permissions() | QFile::WriteOwner));
        write(config.fileName(), QJsonDocument(json).toJson());
        const QString change = QStringLiteral("lab.json was edited, and the next run will record it: alpha 0.05 -> 0.2");
        QVERIFY(finding(lab)["ok"].toBool() && finding(lab)["notice"].toBool());
        QCOMPARE(finding(lab)["detail"].toString(), change);
        Outcome told = runProgram("ratchet", {"check", lab});
        QVERIFY2(told.status == 0 && told.out.contains(QRegularExpression(QStringLiteral("^note +gate +") + change, QRegularExpression::MultilineOption)), qPrintable(told.out));
        QVERIFY(runProgram("ratchet", {"status", lab}).out.contains("Gate     " + change));

        const Outcome ran = runProgram("ratchet", {"run", lab, "--teeth", "1", "--workers", "2"});
        QVERIFY2(ran.status == 0, qPrintable(ran.out + ran.err));
        QVERIFY(finding(lab)["ok"].toBool() && !finding(lab)["notice"].toBool());
        told = runProgram("ratchet", {"report", lab});
        const QString recorded = QStringLiteral("judged before: alpha 0.05 -> 0.2");
        QVERIFY2(told.out.contains(recorded), qPrintable(told.out));
        QFile report(lab + "/report.html");
        QVERIFY(report.open(QIODevice::ReadOnly));
        QVERIFY(report.readAll().contains("judged before: alpha 0.05 -&gt; 0.2"));
        const QJsonArray gate = QJsonDocument::fromJson(runProgram("ratchet", {"report", lab, "--json"}).out.toUtf8()).object()["gate"].toArray();
        QCOMPARE(gate.size(), 2);
        QCOMPARE(gate[1].toObject()["figures"].toObject()["alpha"].toDouble(), 0.2);
    }

    void reportIsOneFileThatNeedsNothingElse()
    {
        const Outcome outcome = runProgram("ratchet", {"report", m_ran});
        QVERIFY2(outcome.status == 0, qPrintable(outcome.err));
        QFile file(m_ran + "/report.html");
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QString html = QString::fromUtf8(file.readAll());
        QVERIFY(html.startsWith("<!DOCTYPE html>") && html.contains("<svg") && html.contains("prefers-color-scheme"));
        QVERIFY2(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"),
                 "it reaches outside itself");
    }

    void helpIsTheReviewedText()
    {
        QString help = runProgram("ratchet", {"--help"}).out;
        for (const char* command : {"demo", "run", "new", "versions", "lessons", "status", "report", "check", "doctor",
                                    "propose", "queue", "space", "approve", "reject", "rollback", "ledger", "serve", "bench", "export"}) {
            const Outcome outcome = runProgram("ratchet", {command, "--help"});
            QVERIFY2(outcome.status == 0 && outcome.err.isEmpty(), qPrintable(outcome.err));
            help += QStringLiteral("\n--- ratchet %1\n").arg(command) + outcome.out;
        }
        const QString golden = QStringLiteral(RATCHET_SOURCE_DIR "/tests/app/golden/help.txt");
        QFile file(golden);
        const QString wanted = file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
        if (help == wanted)
            return;
        write(golden + ".actual", help.toUtf8());
        QProcess diff;
        diff.start("diff", {"-u", golden, golden + ".actual"});
        diff.waitForFinished();
        QFAIL(qPrintable("--help differs from the reviewed text:\n" + QString::fromUtf8(diff.readAllStandardOutput())));
    }
};

QTEST_GUILESS_MAIN(TestCli)
#include "tst_cli.moc"

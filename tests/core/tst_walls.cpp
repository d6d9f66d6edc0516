// SPDX-License-Identifier: GPL-3.0-or-later
// The walls of DESIGN: which room includes which, what stays out of public headers, what each program loads, licence
// lines.
#include <QtTest>

#include <QDirIterator>
#include <QProcess>
#include <QRegularExpression>

namespace {

const QString root = QStringLiteral(RATCHET_SOURCE_DIR);

QString contentOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

QStringList filesUnder(const QString& folder, const QStringList& patterns)
{
    QStringList files;
    for (QDirIterator walk(root + '/' + folder, patterns, QDir::Files, QDirIterator::Subdirectories); walk.hasNext();)
        files << walk.next();
    files.sort();
    return files;
}

const QStringList sources{QStringLiteral("*.cpp"), QStringLiteral("*.h")};

// Room -> rooms it may include, from the table in core/README.md.
QMap<QString, QStringList> roomTable()
{
    QMap<QString, QStringList> table;
    static const QRegularExpression row(QStringLiteral("^\\| (\\w+) \\| [^|]* \\| [^|]* \\| ([^|]*) \\|$"),
                                        QRegularExpression::MultilineOption);
    for (auto match = row.globalMatch(contentOf(root + "/core/README.md")); match.hasNext();) {
        const auto one = match.next();
        if (one.captured(1) != QStringLiteral("room"))
            table.insert(one.captured(1), one.captured(2).split(' ', Qt::SkipEmptyParts));
    }
    return table;
}

QStringList includesOf(const QString& file)
{
    static const QRegularExpression include(QStringLiteral("^\\s*#\\s*include\\s*[<\"]([^>\"]+)[>\"]"),
                                            QRegularExpression::MultilineOption);
    QStringList found;
    for (auto match = include.globalMatch(contentOf(file)); match.hasNext();)
        found << match.next().captured(1);
    return found;
}

bool isTensorFile(const QString& relative)
{
    return relative.startsWith(QStringLiteral("core/model/")) || relative.startsWith(QStringLiteral("core/surgery/")) ||
           relative.startsWith(QStringLiteral("core/trainer/")) || relative.contains(QStringLiteral("/tensor/"));
}

bool isTorch(const QString& include)
{
    return include.startsWith(QStringLiteral("torch/")) || include.startsWith(QStringLiteral("ATen/")) ||
           include.startsWith(QStringLiteral("c10/")) || include.startsWith(QStringLiteral("caffe2/"));
}

bool isQt(const QString& include)
{
    return QRegularExpression(QStringLiteral("^Q[A-Z]|^Qt|^qcustomplot")).match(include).hasMatch();
}

// Libraries a program or library loads, as ldd says.
QString loadedBy(const QString& path)
{
    QProcess ldd;
    ldd.start(QStringLiteral("ldd"), {path});
    return ldd.waitForFinished() ? QString::fromUtf8(ldd.readAllStandardOutput()) : QString();
}

} // namespace

class TestWalls : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everyRoomIsInTheTable()
    {
        const auto table = roomTable();
        QVERIFY(table.size() >= 15);
        for (const QString& room : QDir(root + "/core").entryList(QDir::Dirs | QDir::NoDotAndDotDot))
            QVERIFY2(table.contains(room), qPrintable("core/README.md does not list the room " + room));
    }

    void roomsIncludeOnlyWhatTheTableAllows()
    {
        const auto table = roomTable();
        QStringList faults;
        for (const QString& file : filesUnder(QStringLiteral("core"), sources)) {
            const QString room = file.mid(root.size() + 6).section('/', 0, 0);
            const QStringList allowed = table.value(room);
            for (const QString& include : includesOf(file)) {
                const QString other = include.startsWith(QStringLiteral("core/")) ? include.section('/', 1, 1) : room;
                if (other != room && !allowed.contains(QStringLiteral("all")) && !allowed.contains(other))
                    faults << file.mid(root.size() + 1) + " includes " + include;
            }
        }
        QVERIFY2(faults.isEmpty(), qPrintable(faults.join('\n')));
    }

    void coreKnowsNoWindowAndNoApp()
    {
        QStringList faults;
        for (const QString& file :
             filesUnder(QStringLiteral("core"), sources) + filesUnder(QStringLiteral("plugins"), sources))
            for (const QString& include : includesOf(file))
                if (isQt(include) || include.startsWith(QStringLiteral("widgets/")) ||
                    include.startsWith(QStringLiteral("app/")))
                    faults << file.mid(root.size() + 1) + " includes " + include;
        QVERIFY2(faults.isEmpty(), qPrintable(faults.join('\n')));
    }

    void onlyTheLearnersFilesIncludeTorch()
    {
        QStringList faults;
        for (const QString& folder :
             {QStringLiteral("core"), QStringLiteral("widgets"), QStringLiteral("app"), QStringLiteral("plugins")})
            for (const QString& file : filesUnder(folder, sources)) {
                const QString relative = file.mid(root.size() + 1);
                for (const QString& include : includesOf(file))
                    if (include == QStringLiteral("torch/torch.h") || (isTorch(include) && !isTensorFile(relative)))
                        faults << relative + " includes " + include;
            }
        QVERIFY2(faults.isEmpty(), qPrintable(faults.join('\n')));
    }

    void heavyLibrariesStayOutOfHeaders()
    {
        static const QRegularExpression heavy(QStringLiteral("^(boost/|sqlite3|SQLiteCpp/|openssl/|spdlog/)"));
        QStringList faults;
        for (const QString& file : filesUnder(QStringLiteral("core"), {QStringLiteral("*.h")}))
            for (const QString& include : includesOf(file))
                if (heavy.match(include).hasMatch())
                    faults << file.mid(root.size() + 1) + " includes " + include;
        QVERIFY2(faults.isEmpty(), qPrintable(faults.join('\n')));
    }

    void everySourceNamesItsLicence()
    {
        QStringList faults;
        const QStringList patterns =
            sources + QStringList{QStringLiteral("CMakeLists.txt"), QStringLiteral("*.cmake"), QStringLiteral("*.sql")};
        for (const QString& folder : {QStringLiteral("core"), QStringLiteral("widgets"), QStringLiteral("app"),
                                      QStringLiteral("plugins"), QStringLiteral("tests"), QStringLiteral("cmake")})
            for (const QString& file : filesUnder(folder, patterns))
                if (!contentOf(file).left(400).contains(QStringLiteral("SPDX-License-Identifier: GPL-3.0-or-later")))
                    faults << file.mid(root.size() + 1);
        for (const QString& name :
             {QStringLiteral("/installer/bootstrap"), QStringLiteral("/.ci/run"), QStringLiteral("/CMakeLists.txt")})
            if (!contentOf(root + name).left(400).contains(QStringLiteral("SPDX-License-Identifier: GPL-3.0-or-later")))
                faults << name;
        QVERIFY2(faults.isEmpty(), qPrintable("No SPDX line in\n" + faults.join('\n')));
    }

    void programsLoadOnlyWhatTheyMay_data()
    {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("forbidden");
        const QString bin = QStringLiteral(RATCHET_BIN_DIR), lib = bin + "/../lib";
        const QString torch = QStringLiteral("libtorch|libc10"), torchAndQt = QStringLiteral("libtorch|libc10|libQt");
        QTest::addRow("the engine's library knows neither Qt nor libtorch")
            << lib + "/libratchet_core.so" << torchAndQt;
        QTest::addRow("the command line loads neither Qt nor libtorch") << bin + "/ratchet" << torchAndQt;
        QTest::addRow("the window never loads libtorch") << bin + "/ratchet-lab" << torch;
        QTest::addRow("a plugin loads neither Qt nor libtorch")
            << QStringLiteral(RATCHET_PLUGIN_DIR) + "/arithmetic.so" << torchAndQt;
    }

    void programsLoadOnlyWhatTheyMay()
    {
        QFETCH(QString, path);
        QFETCH(QString, forbidden);
        QVERIFY2(QFile::exists(path), qPrintable(path + " is not built"));
        const QString libraries = loadedBy(path);
        QVERIFY2(libraries.contains(QStringLiteral("libc.so")), qPrintable("ldd said: " + libraries));
        const auto found = QRegularExpression(QStringLiteral("\\b(?:%1)\\S*").arg(forbidden)).match(libraries);
        QVERIFY2(!found.hasMatch(), qPrintable(path + " loads " + found.captured()));
    }
};

QTEST_GUILESS_MAIN(TestWalls)
#include "tst_walls.moc"

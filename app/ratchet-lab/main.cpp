// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet-lab: the window. Composition root: reads the command line, makes the application, the window and its session.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <QApplication>
#include <QCommandLineParser>
#include <QSocketNotifier>

#include <fcntl.h>
#include <unistd.h>

#include "widgets/heartbeat.h"
#include "widgets/main_window.h"
#include "widgets/pictures.h"

namespace {

using namespace ratchet;

constexpr const char* usage = R"(Usage: ratchet-lab [LAB] [options]
The window of Ratchet, a laboratory for recursive self-improvement.

  LAB                 folder of a lab; without it the window offers to make or open one
  --run               start the engine at once
  --minutes M         with --run: no new tooth is begun that would not end within M minutes
  --teeth N           with --run: stop after this many turns
  --until-goal        with --run: stop when the goal is reached
  --approve-as NAME   name under which decisions are made; the login name otherwise
  --theme NAME        light, dark or system, for this start only
  --pictures DIR      write pictures of every panel and layout of LAB into DIR, without a display
  --measure           print the largest pause of the window and its memory at the end
  --try-display       leave at once: with 0 when a window can be opened here, else with 3 and the reason
  --help, --version
)";

struct Wanted {
    QString lab, pictures, reviewer, theme;
    bool run = false, measure = false, tryDisplay = false;
    RunLimits limits;
};

int complain(const Error& error)
{
    std::fprintf(stderr, "%s%s%s\n", error.text.c_str(), error.hint.empty() ? "" : " ", error.hint.c_str());
    return exitStatus(error.code);
}

Result<Wanted> read(const QStringList& arguments)
{
    QCommandLineParser parser;
    parser.addOptions({{{QStringLiteral("h"), QStringLiteral("help")}, {}},
                       {{QStringLiteral("v"), QStringLiteral("version")}, {}},
                       {QStringLiteral("run"), {}},
                       {QStringLiteral("until-goal"), {}},
                       {QStringLiteral("measure"), {}},
                       {QStringLiteral("try-display"), {}},
                       {QStringLiteral("minutes"), {}, QStringLiteral("M")},
                       {QStringLiteral("teeth"), {}, QStringLiteral("N")},
                       {QStringLiteral("approve-as"), {}, QStringLiteral("NAME")},
                       {QStringLiteral("theme"), {}, QStringLiteral("NAME")},
                       {QStringLiteral("pictures"), {}, QStringLiteral("DIR")}});
    const auto wrong = [](const QString& sentence) { return fail(Code::Usage, sentence.toStdString(), "See ratchet-lab --help."); };
    if (!parser.parse(arguments))
        return wrong(parser.errorText());
    const QStringList rest = parser.positionalArguments();
    if (rest.size() > 1)
        return wrong(QStringLiteral("One lab at a time: \"%1\" is too much.").arg(rest[1]));
    Wanted wanted;
    wanted.lab = rest.value(0);
    wanted.run = parser.isSet(QStringLiteral("run"));
    wanted.measure = parser.isSet(QStringLiteral("measure"));
    wanted.tryDisplay = parser.isSet(QStringLiteral("try-display"));
    wanted.pictures = parser.value(QStringLiteral("pictures"));
    wanted.reviewer = parser.value(QStringLiteral("approve-as"));
    wanted.theme = parser.value(QStringLiteral("theme"));
    wanted.limits.untilGoal = parser.isSet(QStringLiteral("until-goal"));
    if (parser.isSet(QStringLiteral("minutes"))) {
        bool isNumber = false;
        const double minutes = parser.value(QStringLiteral("minutes")).toDouble(&isNumber);
        if (!isNumber || !(minutes > 0) || minutes > 1e6)
            return wrong(QStringLiteral("--minutes wants a positive number."));
        wanted.limits.time = std::chrono::milliseconds(static_cast<std::int64_t>(minutes * 60000));
    }
    if (parser.isSet(QStringLiteral("teeth"))) {
        bool isNumber = false;
        wanted.limits.teeth = parser.value(QStringLiteral("teeth")).toInt(&isNumber);
        if (!isNumber || *wanted.limits.teeth < 1)
            return wrong(QStringLiteral("--teeth wants a whole number from 1."));
    }
    if (!wanted.theme.isEmpty() && !QStringList{QStringLiteral("light"), QStringLiteral("dark"), QStringLiteral("system")}.contains(wanted.theme))
        return wrong(QStringLiteral("--theme is light, dark or system, not \"%1\".").arg(wanted.theme));
    if (wanted.lab.isEmpty() && (wanted.run || !wanted.pictures.isEmpty()))
        return wrong(QStringLiteral("Name the lab."));
    return wanted;
}

bool hasDisplay()
{
    return !qEnvironmentVariableIsEmpty("DISPLAY") || !qEnvironmentVariableIsEmpty("WAYLAND_DISPLAY")
           || !qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM");
}

int complainAboutDisplay(const std::string& sentence)
{
    return complain({Code::Environment, sentence, "Start it in a graphical session, or use \"ratchet run\" and \"ratchet status\" here."});
}

// Qt aborts a program whose display does not answer, after some lines about its plugins. While the application is made, this
// leaves with one sentence instead.
void leaveWithoutDisplay(QtMsgType type, const QMessageLogContext& context, const QString& text)
{
    if (type == QtFatalMsg) {
        const QByteArray wayland = qgetenv("WAYLAND_DISPLAY"), x11 = qgetenv("DISPLAY");
        const std::string name = (wayland.isEmpty() ? x11 : wayland).toStdString();
        std::_Exit(complainAboutDisplay(name.empty() ? "No window can be opened here." : "The display " + name + " cannot be used."));
    }
    if (!QByteArray(context.category).startsWith("qt.qpa"))
        std::fprintf(stderr, "%s\n", qPrintable(text));
}

ThemeChoice themeOf(const QString& name)
{
    return name == QLatin1String("light") ? ThemeChoice::Light : name == QLatin1String("dark") ? ThemeChoice::Dark
           : name == QLatin1String("system") ? ThemeChoice::System : savedTheme();
}

// Resident memory as the kernel counts it, for example "103424 kB".
std::string residentMemory()
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("VmHWM:", 0) == 0)
            return line.substr(line.find_first_of("0123456789"));
    return "unknown";
}

int pictures(QApplication& application, const Wanted& wanted)
{
    const auto names = takePictures(application, wanted.pictures, wanted.lab.toStdString());
    if (!names)
        return complain(names.error());
    for (const QString& name : *names)
        std::printf("%s/%s\n", qPrintable(wanted.pictures), qPrintable(name));
    return 0;
}

// Ctrl+C and a polite kill close the window as its cross does, so that the engine ends in order. A handler may only write.
int wakeUp[2] = {-1, -1};

void leaveOnSignals(QApplication& application)
{
    if (::pipe2(wakeUp, O_CLOEXEC | O_NONBLOCK) != 0)
        return;
    auto* notifier = new QSocketNotifier(wakeUp[0], QSocketNotifier::Read, &application);
    QObject::connect(notifier, &QSocketNotifier::activated, &application, [] { QApplication::closeAllWindows(); QApplication::quit(); });
    struct sigaction action{};
    action.sa_handler = [](int) {
        const char byte = 1;
        if (::write(wakeUp[1], &byte, 1) < 0) {}
    };
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        ::sigaction(number, &action, nullptr);
}

int showWindow(QApplication& application, const Wanted& wanted)
{
    leaveOnSignals(application);
    MainWindow window;
    window.show();
    if (!wanted.lab.isEmpty()) {
        if (auto probe = readLabConfig(LabPaths{wanted.lab.toStdString()}); !probe)
            return complain(probe.error());
        window.openLab(wanted.lab);
    }
    if (!wanted.reviewer.isEmpty() && window.session())
        window.session()->setReviewer(wanted.reviewer);
    if (wanted.run)
        window.run(wanted.limits);
    Heartbeat heartbeat;
    const int status = QApplication::exec();
    if (wanted.measure)
        std::printf("largest pause %lld ms in %ld beats, peak memory %s\n", static_cast<long long>(heartbeat.largestGap().count()),
                    heartbeat.beats(), residentMemory().c_str());
    return status;
}

} // namespace

int main(int argc, char** argv)
{
    QStringList arguments;
    for (int i = 0; i < argc; ++i)
        arguments << QString::fromLocal8Bit(argv[i]);
    if (arguments.contains(QLatin1String("--help")) || arguments.contains(QLatin1String("-h")))
        return std::fputs(usage, stdout) < 0 ? 1 : 0;
    if (arguments.contains(QLatin1String("--version")) || arguments.contains(QLatin1String("-v")))
        return std::puts("ratchet-lab " RATCHET_VERSION) < 0 ? 1 : 0;
    const auto wanted = read(arguments);
    if (!wanted)
        return complain(wanted.error());
    if (!wanted->pictures.isEmpty())
        qputenv("QT_QPA_PLATFORM", "offscreen");
    if (!hasDisplay())
        return complainAboutDisplay("There is no display to open a window on.");
    QApplication::setOrganizationName(QStringLiteral("ratchet"));
    QApplication::setApplicationName(QStringLiteral("ratchet-lab"));
    qInstallMessageHandler(&leaveWithoutDisplay);
    QApplication application(argc, argv);
    qInstallMessageHandler(nullptr);
    if (wanted->tryDisplay)
        return 0;
    applyTheme(application, themeOf(wanted->theme));
    return wanted->pictures.isEmpty() ? showWindow(application, *wanted) : pictures(application, *wanted);
}

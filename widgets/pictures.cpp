// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pictures.h"

#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QPixmap>

#include "widgets/main_window.h"
#include "widgets/panel_set.h"
#include "widgets/panels/panel.h"
#include "widgets/plot/plot_widget.h"
#include "widgets/style/format.h"

namespace ratchet {
namespace {

constexpr int settleTime = 350, longestWait = 10000;   // ms; the reader polls every 250
constexpr int calm = 120;                              // ms that everything stays settled: queued drawing is done by then

template <typename Ready>
void waitUntil(Ready ready)
{
    QElapsedTimer since, settled;
    since.start();
    settled.start();
    while (since.elapsed() < longestWait && (since.elapsed() < settleTime || settled.elapsed() < calm)) {
        QApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 20);
        if (!ready())
            settled.restart();
    }
}

// The offscreen plugin has no window manager to tell size hints to and says so for every window: no news to anybody.
class QuietPlugin {
public:
    QuietPlugin() { previous() = qInstallMessageHandler(pass); }
    ~QuietPlugin() { qInstallMessageHandler(previous()); }
    QuietPlugin(const QuietPlugin&) = delete;
    QuietPlugin& operator=(const QuietPlugin&) = delete;
private:
    static QtMessageHandler& previous()
    {
        static QtMessageHandler handler = nullptr;
        return handler;
    }
    static void pass(QtMsgType type, const QMessageLogContext& context, const QString& message)
    {
        if (!message.contains(QLatin1String("propagateSizeHints()")) && previous())
            previous()(type, context, message);
    }
};

// What a person would look at first: what waits for a decision, else the newest judged proposal, else the champion.
void selectSomething(LabSession& session)
{
    const auto snapshot = session.snapshot();
    const ProposalRecord* chosen = nullptr;
    for (const ProposalRecord& proposal : snapshot->proposals)
        if (!isControl(proposal) && snapshot->verdict(proposal.id) && (!chosen || chosen->state != ProposalState::Waiting))
            chosen = &proposal;
    if (chosen)
        session.selectProposal(chosen->id);
    else if (const auto champion = championOf(*snapshot))
        session.selectVersion(*champion);
}

class Album {
public:
    explicit Album(QDir folder) : m_folder(std::move(folder)) {}
    Status save(QWidget& widget, const QString& name)
    {
        const QString file = name + QStringLiteral(".png");
        for (auto* plot : widget.findChildren<PlotWidget*>())
            plot->replotNow();                    // a queued drawing may still wait for an idle moment
        if (!widget.grab().save(m_folder.filePath(file)))
            return fail(Code::Environment, "The picture " + m_folder.filePath(file).toStdString() + " could not be written.",
                        "Check that the folder can be written and the disk is not full.");
        m_names << file;
        return {};
    }
    [[nodiscard]] QStringList names() const { return m_names; }
private:
    QDir m_folder;
    QStringList m_names;
};

Status panelPictures(Album& album, const std::filesystem::path& lab, const QString& theme)
{
    RATCHET_TRY(session, LabSession::open(lab));
    selectSomething(*session);
    for (Panel* made : makePanels(nullptr)) {
        const std::unique_ptr<Panel> panel(made);
        panel->resize(pictureSize(*panel));
        panel->setSession(session.get());
        panel->show();
        panel->setFocus();
        waitUntil([&] { return panel->isSettled(); });
        const QStringList pages = panel->pages();
        if (pages.isEmpty())
            RATCHET_CHECK(album.save(*panel, QStringLiteral("panel-%1-%2").arg(panel->objectName(), theme)));
        for (int page = 0; page < int(pages.size()); ++page) {
            panel->turnTo(page);
            QApplication::processEvents();        // the page that came into sight is laid out
            RATCHET_CHECK(album.save(*panel, QStringLiteral("panel-%1-%2-%3").arg(panel->objectName(), pages[page], theme)));
        }
        panel->setSession(nullptr);
    }
    return {};
}

Status layoutPictures(Album& album, const std::filesystem::path& lab, const QString& theme)
{
    const std::pair<Layout, QString> layouts[] = {
        {Layout::Research, QStringLiteral("research")}, {Layout::Review, QStringLiteral("review")}, {Layout::Teach, QStringLiteral("teach")}};
    for (const QSize size : {QSize(1280, 720), QSize(2560, 1440)})
        for (const auto& [layout, name] : layouts) {
            MainWindow window(MainWindow::Memory::Forget);
            window.resize(size);
            window.show();
            window.setFocus();
            RATCHET_TRY(session, LabSession::open(lab));
            selectSomething(*session);
            window.setSession(std::move(session));
            window.applyLayout(layout);
            waitUntil([&] { return window.isSettled(); });
            RATCHET_CHECK(album.save(window, QStringLiteral("layout-%1-%2x%3-%4").arg(name).arg(size.width()).arg(size.height()).arg(theme)));
        }
    return {};
}

} // namespace

Result<QStringList> takePictures(QApplication& application, const QString& folder, const std::filesystem::path& lab)
{
    if (!QDir().mkpath(folder))
        return fail(Code::Environment, "The folder " + folder.toStdString() + " cannot be made.", "Name a folder that can be written.");
    const QuietPlugin quiet;
    Album album{QDir(folder)};
    for (const ThemeChoice choice : {ThemeChoice::Light, ThemeChoice::Dark}) {
        applyTheme(application, choice);
        const QString theme = choice == ThemeChoice::Light ? QStringLiteral("light") : QStringLiteral("dark");
        RATCHET_CHECK(panelPictures(album, lab, theme));
        RATCHET_CHECK(layoutPictures(album, lab, theme));
    }
    return album.names();
}

} // namespace ratchet

// SPDX-License-Identifier: GPL-3.0-or-later
// What the lab knows of its own noise: the champion's recipe beside itself (A/A) and what the gate can see by that, what comes back
// of gains when a recipe is trained again, and placebos. User-interface thread only.
#pragma once

#include "widgets/panels/critic_page.h"

class QLabel;
class QProgressBar;
class QPushButton;

namespace ratchet {

class CriticControls : public CriticPage {
    Q_OBJECT
public:
    explicit CriticControls(QWidget* parent = nullptr);
    void show(const Snapshot& snapshot, const Selection& selection) override;

Q_SIGNALS:
    void noiseWanted();
    void replicationWanted();                     // of the selected version
    void withdrawn(const ratchet::ReplicationWish& wish);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void showProgress(const Snapshot& snapshot);
    void showNoise(const Snapshot& snapshot);
    void showReplications(const Snapshot& snapshot);
    void showPlacebos(const Snapshot& snapshot);
    QLabel *m_noiseTitle = nullptr, *m_sight = nullptr, *m_replicationsNote = nullptr, *m_placebosNote = nullptr, *m_doing = nullptr;
    QPushButton *m_measure = nullptr, *m_replicate = nullptr;
    QTableWidget *m_noise = nullptr, *m_replications = nullptr, *m_placebos = nullptr;
    QWidget* m_progress = nullptr;
    QProgressBar* m_bar = nullptr;
    std::optional<ReplicationWish> m_waitsFor;
    struct Shown {
        QRgb text = 0;                            // tables keep colours of the theme
        std::size_t versions = 0;                 // which are named
        std::optional<Replication> spread;
        std::vector<Sight> sights;
        std::vector<Replication> replications;
        PlaceboCount placebos;
        bool operator==(const Shown&) const = default;
    };
    std::optional<Shown> m_shown;                 // empty: nothing yet
};

} // namespace ratchet

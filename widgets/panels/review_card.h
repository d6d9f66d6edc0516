// SPDX-License-Identifier: GPL-3.0-or-later
// Everything one decision needs on one page: requirements, differences with intervals, evidence path, failure classes of
// both, what differs in the genome, samples, cost and what was said before. Shows; decides nothing. User-interface thread only.
#pragma once

#include <QWidget>

#include "widgets/panels/review_case.h"

class QGridLayout;
class QLabel;
class QVBoxLayout;

namespace ratchet {

class LinePlot;

class ReviewCard : public QWidget {
    Q_OBJECT
public:
    explicit ReviewCard(QWidget* parent = nullptr);
    void show(const Snapshot& snapshot, const ReviewCase& entry);
    using QWidget::show;
    [[nodiscard]] const LinePlot& path() const { return *m_path; }

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    [[nodiscard]] QLabel* block(const QString& title, QWidget*& box);
    void showRequirements(const std::vector<Requirement>& requirements);
    void showSuites(const Snapshot& snapshot, const ReviewCase& entry, const Evidence& evidence, bool retainedHolds);
    void showPath(const Evidence& evidence);
    void showFailures(const Evidence& evidence);
    void showGenome(const Snapshot& snapshot, const Evidence& evidence);
    void showSamples(const Snapshot& snapshot, const ReviewCase& entry);
    void showFacts(const Snapshot& snapshot, const ReviewCase& entry, const Evidence& evidence);
    void showDiscussion(const Snapshot& snapshot, const ReviewCase& entry, const std::vector<Requirement>& requirements);
    void arrange();
    QLabel *m_requirements = nullptr, *m_failures = nullptr, *m_genome = nullptr, *m_samples = nullptr, *m_facts = nullptr, *m_discussion = nullptr;
    QLabel* m_pathNote = nullptr;
    LinePlot* m_path = nullptr;
    QGridLayout *m_suites = nullptr, *m_blocks = nullptr;
    std::vector<QWidget*> m_boxes;
    int m_columns = 0;
};

} // namespace ratchet

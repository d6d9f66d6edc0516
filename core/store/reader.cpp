// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/reader.h"

namespace ratchet {

Result<std::unique_ptr<Store>> openForReading(const LabPaths& paths)
{
    auto store = Store::open(paths.database(), Store::Mode::ReadOnly);
    if (store || store.error().code != Code::Conflict)
        return store;
    {
        RATCHET_TRY(lock, LabLock::take(paths));
        RATCHET_CHECK(Store::open(paths.database(), Store::Mode::ReadWrite));      // migrates
    }
    return Store::open(paths.database(), Store::Mode::ReadOnly);
}

} // namespace ratchet

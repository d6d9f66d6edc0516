// SPDX-License-Identifier: GPL-3.0-or-later
// A device that is none of the CPU's, for tests of placement on machines without one: its memory is the machine's and its
// operators are the CPU's, but a tensor on it is refused beside one on the CPU, its values cannot be pointed at by
// mistake without is_cpu() saying no, and every wait for it is counted. Include in one file of a program.
#pragma once

#include <ATen/EmptyTensor.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include "core/model/compat.h"

namespace ratchet::stand_in {

inline const at::Device device(at::kPrivateUse1, 0);
inline int waits = 0;               // times that the CPU read from the device
inline thread_local int inside = 0; // operators of the device being carried out

struct Memory : c10::Allocator {
    c10::DataPtr allocate(std::size_t bytes) const override
    {
        c10::DataPtr data = c10::GetAllocator(c10::DeviceType::CPU)->allocate(bytes);
        void* const place = data.get();
        const auto free = data.get_deleter();
        return {place, data.release_context(), free, device};
    }
};

inline Memory& memory()
{
    static Memory own;
    return own;
}

inline at::Tensor onHost(const at::Tensor& tensor)
{
    return tensor.is_cpu() ? tensor
                           : at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(), at::device(at::kCPU).dtype(tensor.dtype()));
}

inline at::Tensor empty(at::IntArrayRef size, c10::optional<at::ScalarType> type, c10::optional<at::Layout>,
                        c10::optional<at::Device>, c10::optional<bool>, c10::optional<at::MemoryFormat> format)
{
    return at::detail::empty_generic(size, &memory(), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                     c10::dtype_or_default(type), format);
}

inline at::Tensor emptyStrided(at::IntArrayRef size, at::IntArrayRef strides, c10::optional<at::ScalarType> type,
                               c10::optional<at::Layout>, c10::optional<at::Device>, c10::optional<bool>)
{
    return at::detail::empty_strided_generic(size, strides, &memory(), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                             c10::dtype_or_default(type));
}

inline at::Tensor copyFrom(const at::Tensor& from, const at::Tensor& to, bool)
{
    waits += inside == 0 && to.is_cpu() ? 1 : 0;
    onHost(to).copy_(onHost(from));
    return to;
}

inline at::Tensor copyBack(const at::Tensor& from, const at::Tensor& to)
{
    if (from.sizes() != to.sizes()) { // what an operator with an `out` was given empty
        at::TensorImpl* const target = to.unsafeGetTensorImpl();
        target->set_storage_keep_dtype(at::empty(from.sizes(), to.options()).storage());
        target->set_sizes_contiguous(from.sizes());
    }
    return copyFrom(from, to, false);
}

// Any operator: the CPU's, if all that it gets lies here. Numbers may come from the CPU, as CUDA has it.
inline void carryOut(const c10::OperatorHandle& operation, torch::jit::Stack* stack)
{
    const auto check = [&](const at::Tensor& tensor) {
        TORCH_CHECK(!tensor.defined() || !tensor.is_cpu() || tensor.dim() == 0, operation.schema().name(),
                    " was given a tensor on the CPU beside one on the device");
    };
    for (const c10::IValue& value : torch::jit::last(stack, operation.schema().arguments().size())) {
        if (value.isTensor())
            check(value.toTensor());
        else if (value.isTensorList())
            for (const at::Tensor& tensor : value.toTensorVector())
                check(tensor);
    }
    waits += operation.schema().name() == "aten::_local_scalar_dense" ? 1 : 0;
    ++inside;
    at::native::cpu_fallback(operation, stack);
    --inside;
}

C10_REGISTER_GUARD_IMPL(PrivateUse1, c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::PrivateUse1>);

TORCH_LIBRARY_IMPL(_, PrivateUse1, library)
{
    library.fallback(torch::CppFunction::makeFromBoxedFunction<&carryOut>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library)
{
    library.impl("empty.memory_format", &empty);
    library.impl("empty_strided", &emptyStrided);
    library.impl("as_strided", &at::native::as_strided_tensorimpl);
    library.impl("view", static_cast<at::Tensor (*)(const at::Tensor&, at::IntArrayRef)>(&at::native::view));
    library.impl("_reshape_alias", &at::native::_reshape_alias);
    library.impl("_copy_from", &copyFrom);
    library.impl("_copy_from_and_resize", &copyBack);
}

} // namespace ratchet::stand_in

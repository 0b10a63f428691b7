"""Calls from one compiled function into another that do not compile it again.

numba copies the code of whatever a function calls into its own, and optimises all of it anew: seconds for a solver, for
every function that uses it. `call` jumps to code that is there already, by its address.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
from llvmlite import ir
from numba.core import cgutils, types

from common.kernels.jit import PLAIN, intrinsic


class Address(NamedTuple):
    """Where the compiled code of a function lies in this process, and for arguments of which types."""

    place: int
    kinds: int


def address_of(function: Callable[..., Any], *arguments: Any) -> Address:
    """The address of a function for arguments of these types, for `call`.

    It is compiled, or read from disk if it is kept there (`jit.kernel`). Without a compiler there is none.
    """
    if PLAIN:
        return Address(0, 0)
    dispatcher: Any = function
    kinds = tuple(map(numba.typeof, arguments))
    dispatcher.compile(kinds)
    result = dispatcher.overloads[kinds]
    return Address(result.library.get_pointer_to_function(result.fndesc.llvm_func_name), _number(kinds))


def _call(function: Callable[..., Any], address: Address, arguments: tuple[Any, ...]) -> Any:
    return function(*arguments)


@intrinsic(plain=_call)
def call(typingctx: Any, function: Any, address: Any, arguments: Any) -> Any:
    """What `function(*arguments)` returns, by `address_of` it for arguments of just these types.

    It must return numbers, or a tuple of them: references to arrays that are returned are not counted.

    Raises:
        TypeError: the address is one for other types.
    """
    kinds = tuple(map(types.unliteral, arguments))
    returned = function.get_call_type(typingctx, kinds, {}).return_type

    def codegen(context: Any, builder: Any, _: Any, values: Any) -> Any:
        place, known = cgutils.unpack_tuple(builder, values[1])
        expected = ir.Constant(ir.IntType(64), _number(kinds))
        with cgutils.if_unlikely(builder, builder.icmp_signed("!=", known, expected)):
            context.call_conv.return_user_exc(builder, TypeError, ("a function's address for other types",))
        pointer = context.call_conv.get_function_type(returned, kinds).as_pointer()
        given = [
            context.cast(builder, value, kind, other)
            for value, kind, other in zip(cgutils.unpack_tuple(builder, values[2]), arguments, kinds, strict=True)
        ]
        status, result = context.call_conv.call_function(
            builder, builder.inttoptr(place, pointer), returned, kinds, given
        )
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return result

    return returned(function, address, arguments), codegen


def _number(kinds: tuple[types.Type, ...]) -> int:
    """A number for types, the same in every process."""
    return int.from_bytes(hashlib.sha256(repr(kinds).encode()).digest()[:7])

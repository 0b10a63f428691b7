"""The vector types: eight doubles, sixteen floats, sixteen unsigned integers, and masks of truth values.

Kernels import operations on them from `common.kernels.vectors`. Each comes with its meaning for a single number
(`plain`), which is what runs when nothing is compiled.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import models, register_model

I32, I64 = ir.IntType(32), ir.IntType(64)
_LLVM = {types.float64: ir.DoubleType(), types.float32: ir.FloatType(), types.uint32: I32}


class Vector(types.Type):
    """The numba type of some equal numbers side by side.

    Args:
        element: numba's type of each.
        lanes: how many.
        flags: of LLVM, for sums, differences, products and quotients: "contract" lets a product and a sum become one
            fused multiply-add, "nsz" takes -0 for 0.
    """

    def __init__(self, element: Any, lanes: int, flags: tuple[str, ...] = ()) -> None:
        self.element, self.lanes, self.flags = element, lanes, flags
        super().__init__(name=f"{element}x{lanes}")

    @property
    def llvm(self) -> ir.VectorType:
        """LLVM's type."""
        return ir.VectorType(_LLVM[self.element], self.lanes)

    @property
    def suffix(self) -> str:
        """How LLVM's intrinsics call it, e.g. v8f64."""
        return f"v{self.lanes}f{self.element.bitwidth}"


class Mask(types.Type):
    """The numba type of some truth values side by side."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"maskx{lanes}")

    @property
    def llvm(self) -> ir.VectorType:
        """LLVM's type."""
        return ir.VectorType(ir.IntType(1), self.lanes)


@register_model(Vector)
@register_model(Mask)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, fe_type.llvm)


# Of 64 bytes each: one AVX-512 register, two of AVX2, four of SSE2 or NEON. To change a width, change it here and in
# `common.kernels.vectors`.
DOUBLES = Vector(types.float64, 8, ("contract", "nsz"))
FLOATS = Vector(types.float32, 16)
WORDS = Vector(types.uint32, 16)
_BY_ELEMENT = {types.float64: DOUBLES, types.float32: FLOATS}


def kind_of(*operands: Any) -> Vector | None:
    """The type of a result from operands that are vectors of one floating-point type, or scalars of its element."""
    vectors = [operand for operand in operands if isinstance(operand, Vector)]
    kind = vectors[0] if vectors else _BY_ELEMENT.get(operands[0])
    if kind is None or kind not in _BY_ELEMENT.values():
        return None
    return kind if all(operand in (kind, kind.element) for operand in operands) else None


def of_array(array: Any, index: Any) -> Vector | None:
    """The type that a contiguous one-dimensional array is read by, at an integer index."""
    if not (isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"):
        return None
    return _BY_ELEMENT.get(array.dtype) if isinstance(index, types.Integer) else None


def splatted(builder: Any, value: Any, vector: ir.VectorType) -> Any:
    """A scalar in every lane."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, vector.count), [0] * vector.count))


def as_vectors(builder: Any, kind: Vector, sig: Any, values: Any) -> list[Any]:
    """Operands of `kind_of`, scalars in every lane."""
    return [
        splatted(builder, value, kind.llvm) if operand == kind.element else value
        for value, operand in zip(values, sig.args, strict=True)
    ]


def call(builder: Any, name: str, kind: Vector, values: Any) -> Any:
    """One of LLVM's intrinsics."""
    function_type = ir.FunctionType(kind.llvm, [kind.llvm] * len(values))
    return builder.call(
        cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}.{kind.suffix}"), values
    )

#!/usr/bin/python3
"""Writes tests/data/torch/: what PyTorch gives for fixed inputs.

Needs python3-torch and python3-numpy (Debian 12: PyTorch 1.13). Run from anywhere; the same seeds
give the same files. Inputs and parameters are float32. Expected values come from PyTorch's own
modules in float64 on those very inputs, so that they show the method and not float32's rounding.
Each module is run in float32 too, and must agree to 1e-5 (relative to the largest value, or to the
input's offset where that dominates). Those of bfloat16 are PyTorch's own in that type.
"""

import copy
import pathlib
import textwrap

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "data" / "torch"
ROWS = []  # of the README's table


def save(name, value, what, dtype="<f4"):
    array = np.ascontiguousarray(value.detach().numpy().astype(dtype))
    np.save(FOLDER / f"{name}.npy", array)
    ROWS.append((name, list(array.shape), what))


def save_output(name, value, what):
    save(name, value, what, "<f8")


def inputs(seed, *shape, scale=1.0, offset=0.0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, generator=generator, dtype=torch.float64) * scale + offset
    return x.float()  # what both runs and normd see


def set_affine(module, seed):
    """Sets a gamma around 1 and a beta around 0, both exact in float32."""
    with torch.no_grad():
        module.weight.copy_(inputs(seed, *module.weight.shape, scale=0.3, offset=1.0))
        module.bias.copy_(inputs(seed + 1, *module.bias.shape, scale=0.5))


def checked(y, single, tolerance=1e-5):
    """The float64 output `y`; checks PyTorch's float32 output `single` against it."""
    difference = (single.double() - y).abs().max() / y.abs().max()
    assert difference <= tolerance, difference
    return y


def run(module, x, tolerance=1e-5):
    """The float64 module's output, checked."""
    return checked(module(x.double()), copy.deepcopy(module).float()(x), tolerance)


def layer_norm():
    module = torch.nn.LayerNorm(64).double()
    set_affine(module, 10)
    x = inputs(11, 16, 64)
    save("layer_norm_affine_x", x, "input")
    save("layer_norm_affine_gamma", module.weight, "gamma")
    save("layer_norm_affine_beta", module.bias, "beta")
    save_output("layer_norm_affine_y", run(module, x), "LayerNorm(64)")

    module = torch.nn.LayerNorm([4, 8]).double()
    set_affine(module, 20)
    x = inputs(21, 6, 3, 4, 8)
    save("layer_norm_rank2_x", x, "input: 6 rows [3, 4, 8]")
    save("layer_norm_rank2_gamma", module.weight, "gamma")
    save("layer_norm_rank2_beta", module.bias, "beta")
    save_output("layer_norm_rank2_y", run(module, x), "LayerNorm([4, 8])")

    module = torch.nn.LayerNorm(64).double()
    x = inputs(31, 16, 64, offset=1000.0)
    save("layer_norm_offset_x", x, "input with mean 1000 and deviation 1")
    # float32 cannot keep more than 1e-7 * 1000 of the mean: compared more widely.
    save_output("layer_norm_offset_y", run(module, x, tolerance=1e-3),
                "LayerNorm(64), affine 1 and 0")


def rms_norm():
    # torch.nn.RMSNorm is younger than Debian's PyTorch: its formula by PyTorch's operations.
    epsilon = 2.0**-23
    x = inputs(41, 16, 64)
    gamma = inputs(42, 64, scale=0.3, offset=1.0)
    wide = x.double()
    y = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon) * gamma.double()
    save("rms_norm_x", x, "input")
    save("rms_norm_gamma", gamma, "gamma")
    save_output("rms_norm_y", y, "x * rsqrt(mean(x^2) + 2^-23) * gamma")


def group_norm(name, module, seed, shape, what):
    module = module.double()
    set_affine(module, seed)
    x = inputs(seed + 2, *shape, scale=2.0, offset=3.0)
    save(f"{name}_x", x, "input")
    save(f"{name}_gamma", module.weight, "gamma")
    save(f"{name}_beta", module.bias, "beta")
    save_output(f"{name}_y", run(module, x), what)


def lp_norm():
    x = inputs(131, 16, 64)
    x[0] = 0
    x[1] *= 1e-15  # every norm of it is below epsilon, 1e-12
    save("lp_norm_x", x, "input: row 0 is zero, row 1 about 1e-15")
    for order, name in (1, "1"), (2, "2"), (float("inf"), "infinity"):
        y, single = (torch.nn.functional.normalize(z, p=order) for z in (x.double(), x))
        save_output(f"lp_norm_{name}_y", checked(y, single), f"functional.normalize, p={order}")


def dynamic_tanh():
    # PyTorch has no such module: the authors' formula by PyTorch's operations.
    x = inputs(141, 16, 64, scale=3.0)
    gamma = inputs(142, 64, scale=0.3, offset=1.0)
    beta = inputs(143, 64, scale=0.5)
    wide = [part.double() for part in (x, gamma, beta)]
    y, single = (torch.tanh(0.5 * z) * g + b for z, g, b in (wide, (x, gamma, beta)))
    save("dynamic_tanh_x", x, "input")
    save("dynamic_tanh_gamma", gamma, "gamma")
    save("dynamic_tanh_beta", beta, "beta")
    save_output("dynamic_tanh_y", checked(y, single), "tanh(0.5 * x) * gamma + beta")


def batch_norm(name, make, seed, shape, batches, what):
    """TRAINING over successive batches, then eval by the running statistics on further rows."""
    module = make().double().train()
    set_affine(module, seed)
    x = inputs(seed + 2, batches, *shape, scale=2.0, offset=3.0)
    y = torch.stack([run(module, batch) for batch in x])
    save(f"{name}_x", x, f"input: {batches} batches")
    save(f"{name}_gamma", module.weight, "gamma")
    save(f"{name}_beta", module.bias, "beta")
    save_output(f"{name}_train_y", y, f"{what}, train(), batch after batch")
    save_output(f"{name}_running_mean", module.running_mean, "running_mean after the last batch")
    save_output(f"{name}_running_var", module.running_var, "running_var after the last batch")
    module.eval()
    x = inputs(seed + 3, *shape, scale=2.0, offset=3.0)
    save(f"{name}_eval_x", x, "further input")
    save_output(f"{name}_eval_y", run(module, x), "eval() after the last batch")


def bfloat16(name, module, shape, what):
    """PyTorch 1.13 has these modules in bfloat16 on a CPU, but none in float16."""
    x = inputs(151, *shape, scale=2.0, offset=3.0).bfloat16()
    save(f"{name}_bfloat16_x", x.float(), "input, numbers of bfloat16")
    y = module.bfloat16()(x)
    assert y.dtype == torch.bfloat16
    save(f"{name}_bfloat16_y", y.float(), f"{what} in bfloat16")


def trained_batch_norm():
    """The trained BatchNorm2d of ../cnn_bn1.npz on the activations that enter it."""
    state = np.load(FOLDER.parent / "cnn_bn1.npz")
    x = torch.from_numpy(np.load(FOLDER.parent / "cnn_conv1_nchw.npy"))
    module = torch.nn.BatchNorm2d(x.shape[1]).double().eval()
    module.load_state_dict({name: torch.from_numpy(state[name]) for name in state}, strict=False)
    for name in state:
        save(f"cnn_bn1_{name}", torch.from_numpy(state[name]), f"{name} of ../cnn_bn1.npz")
    save("cnn_bn1_y", run(module, x), "BatchNorm2d with these, eval(), on ../cnn_conv1_nchw.npy")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    layer_norm()
    rms_norm()
    one, two = torch.nn.BatchNorm1d, torch.nn.BatchNorm2d
    batch_norm("batch_norm_1d", lambda: one(16), 50, (32, 16), 5, "BatchNorm1d(16), momentum=0.1")
    batch_norm("batch_norm_1d_average", lambda: one(16, momentum=None), 60, (32, 16), 5,
               "BatchNorm1d(16, momentum=None)")
    batch_norm("batch_norm_1d_length", lambda: one(6), 70, (8, 6, 10), 2,
               "BatchNorm1d(6) over [N, C, L]")
    batch_norm("batch_norm_2d", lambda: two(6), 80, (8, 6, 5, 5), 2, "BatchNorm2d(6), NCHW")
    group, instance = torch.nn.GroupNorm, torch.nn.InstanceNorm2d
    group_norm("group_norm_1d", group(4, 12), 90, (16, 12), "GroupNorm(4, 12) over [N, C]")
    group_norm("group_norm_2d", group(3, 12), 100, (4, 12, 3, 5), "GroupNorm(3, 12), NCHW")
    group_norm("group_norm_whole", group(1, 6), 110, (4, 6, 10), "GroupNorm(1, 6) over [N, C, L]")
    group_norm("instance_norm_2d", instance(6, affine=True), 120, (4, 6, 5, 5),
               "InstanceNorm2d(6, affine=True)")
    lp_norm()
    dynamic_tanh()
    bfloat16("layer_norm", torch.nn.LayerNorm(64), (16, 64), "LayerNorm(64)")
    bfloat16("group_norm", group(4, 12), (8, 12, 5), "GroupNorm(4, 12) over [N, C, L]")
    bfloat16("batch_norm", one(12), (32, 12), "BatchNorm1d(12), train()")
    trained_batch_norm()

    introduction = (
        "Written by tests/conformance/torch/make_vectors.py with PyTorch "
        f"{torch.__version__}; read by tests/conformance/torch/torch_vectors_test.cc. Little-endian, "
        "row-major. Inputs and parameters are float32; expected values are those of PyTorch's float64 "
        "modules on them. Epsilon is PyTorch's default unless the row says otherwise.")
    lines = ["# PyTorch's outputs", "", textwrap.fill(introduction, 120), "",
             "| file | shape | what |", "| --- | --- | --- |"]
    lines += [f"| {name}.npy | {shape} | {what} |" for name, shape, what in ROWS]
    (FOLDER / "README.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

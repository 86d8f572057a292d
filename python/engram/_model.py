"""Live models: forwards, back, and what stands in between, as NumPy arrays."""
from __future__ import annotations

import fnmatch
import os
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _yaml
from ._arrays import TYPES, Activations, array_of
from ._batch import SPLITS, Batch
from ._error import Error, whole
from ._lib import check, load
from ._source import how_of, path_of
from ._tokenizer import Tokenizer


class Model:
    """A model on the table: opened once, run forwards and back at will.

    source: a run (its name, directory or Run: the newest checkpoint), a
    checkpoint, or another program's file (docs/models.md); with fresh=True a
    configuration, whose model is as it is before the first step. config: of
    weights that carry none. set: changes of the configuration, as a dict.
    n_ctx: positions, where the model lets one choose. The numbers do not
    depend on threads (0: one a core).

    Arrays that come out view the library's memory: no number is copied, and
    each keeps alive what it views, also when the model is gone. They are
    read-only; copy what you want to change.
    """

    def __init__(self, source, config=None, *, fresh: bool = False,
                 set: Optional[Mapping] = None, seed: Optional[int] = None,
                 n_ctx: Optional[int] = None, allow_extra: bool = False,
                 threads: int = 0, kern: str = "auto", root=None):
        self._ffi, self._lib = load()
        ffi, lib = self._ffi, self._lib
        path = path_of(source, fresh, root)
        how, keep = how_of(ffi, config, set, seed, n_ctx, allow_extra)
        out, err = ffi.new("eg_subject **"), ffi.new("eg_err *")
        make = lib.eg_subject_fresh if fresh else lib.eg_subject_open
        check(ffi, make(out, os.fsencode(path), how, threads, kern.encode(),
                        err), err)
        del keep
        self._pid = pid = os.getpid()
        free, getpid = lib.eg_subject_free, os.getpid

        def end(subject):  # its threads did not come along into a child
            if getpid() == pid:
                free(subject)

        self._subject = ffi.gc(out[0], end)
        self._lock = threading.Lock()
        self._held: List[Tuple[str, np.ndarray]] = []
        self._model = lib.eg_subject_model(self._subject)
        self._io = lib.eg_model_io(self._model)
        self._hooks: Optional[List[str]] = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """For a call into the library: one at a time, where its threads are."""
        if os.getpid() != self._pid:
            raise Error(f"{self.path}: this process was forked from the one "
                        "that opened the model, whose threads it does not "
                        "have: open the model again here")
        with self._lock:
            yield

    # ---- what it is ---------------------------------------------------------

    @property
    def what(self) -> str:
        """"run of engram", "Llama, GGUF", ..."""
        return self._ffi.string(self._lib.eg_subject_what(self._subject)).decode()

    @property
    def path(self) -> str:
        """The file of its weights."""
        return os.fsdecode(self._ffi.string(
            self._lib.eg_subject_path(self._subject)))

    @property
    def step(self) -> int:
        """Steps it was trained for, of a run; -1: not known."""
        return self._lib.eg_subject_step(self._subject)

    @property
    def n_ctx(self) -> int:
        return self._io.n_ctx

    @property
    def d_vocab(self) -> int:
        """How many tokens there are; 0: it takes vectors."""
        return self._io.d_vocab

    @property
    def config(self) -> Dict[str, Dict[str, Any]]:
        """Its resolved configuration, {section: {option: value}}."""
        ffi, lib = self._ffi, self._lib
        out, err = ffi.new("char **"), ffi.new("eg_err *")
        check(ffi, lib.eg_config_format(
            lib.eg_subject_config(self._subject), out, err), err)
        text = ffi.string(out[0]).decode()
        lib.eg_free(out[0])
        return _yaml.parse(text)

    @property
    def hooks(self) -> List[str]:
        """Names of what can be looked at, in the order in which it is made."""
        if self._hooks is None:
            with self._alone():
                names: List[str] = []
                while True:
                    name = self._lib.eg_subject_hook(self._subject, len(names))
                    if not name:
                        break
                    names.append(self._ffi.string(name).decode())
                self._hooks = names
        return self._hooks

    def _tensor(self, i: int):
        return self._lib.eg_model_tensor(self._model, i)

    def _index(self) -> Dict[str, int]:
        n = self._lib.eg_model_n_tensors(self._model)
        return {self._ffi.string(self._tensor(i).name).decode(): i
                for i in range(n)}

    @property
    def tensors(self) -> Dict[str, np.ndarray]:
        """The weights by name, views of what the model computes with: a later
        `set` shows in them."""
        view, held = self._lib.eg_model_view, self._subject
        return {name: array_of(held, view(self._model, i), self._ffi)
                for name, i in self._index().items()}

    @property
    def dtype(self) -> np.dtype:
        """float32, or float64 with train.precision: float64."""
        return np.dtype(TYPES[self._lib.eg_model_view(self._model, 0).dtype])

    def set(self, name: str, value) -> None:
        """Writes a weight; it counts from the next call on."""
        index = self._index()
        if name not in index:
            raise KeyError(f"{name!r}: expected one of {', '.join(index)}")
        tensor = self._tensor(index[name])
        shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
        new = np.ascontiguousarray(value, np.float64)
        if new.shape != shape:
            raise Error(f"{name}: expected shape {list(shape)}, found "
                        f"{list(new.shape)}")
        with self._alone():
            self._lib.eg_model_set(self._model, index[name],
                                   self._ffi.cast("double *", new.ctypes.data))

    # ---- sequences ----------------------------------------------------------

    def batch(self, n: int, split: str = "train", step: int = 0,
              first: int = 0) -> Dict[str, np.ndarray]:
        """Sequences of its task as training reads them at a step: tokens,
        targets (-1: none) and labels, [n, n_ctx]; of vectors inputs, outputs
        and prompts in the place of tokens. split: train, probe or test.

        What is in it goes into `forward` and `gradient`, but for labels."""
        if split not in SPLITS:
            raise Error(f"split: expected train, probe or test, found {split!r}")
        n, step = whole("n", n, 0, 10**9), whole("step", step, 0, 2**63 - 1)
        first = whole("first", first, 0, 10**9)
        ffi, lib, io = self._ffi, self._lib, self._io
        task = lib.eg_subject_task(self._subject)
        shape = (n, io.n_ctx)
        parts = {name: np.zeros(shape, np.int32)
                 for name in ("tokens", "targets", "labels", "prompts")}
        parts["prompts"] -= 1
        parts["inputs"] = np.zeros(shape + (max(io.n_in, 1),))
        parts["outputs"] = np.zeros(shape + (max(io.n_out, 1),))
        seq, err = ffi.new("eg_seq *"), ffi.new("eg_err *")
        for i in range(n):
            for name, array in parts.items():
                kind = "double *" if array.ndim == 3 else "int32_t *"
                setattr(seq, name, ffi.cast(kind, array[i].ctypes.data))
            lib.eg_task_sequence(task, SPLITS[split], step, first + i, seq)
        check(ffi, lib.eg_task_trouble(task, err), err)
        kept = ["tokens", "targets", "labels"] if io.d_vocab else \
            ["inputs", "outputs", "targets", "labels", "prompts"]
        return {name: parts[name] for name in kept}

    def _batch(self, tokens, targets, inputs, outputs, prompts) -> Batch:
        batch = Batch(self._ffi, self._io, tokens, targets, inputs, outputs, prompts)
        if batch.length < self.n_ctx and not self.config["model"]["causal"]:
            raise Error(f"a model without a mask sees all {self.n_ctx} "
                        f"positions, found {batch.length}; open it with "
                        "n_ctx=...")
        return batch

    def _names(self, hooks: Union[str, Sequence[str]]) -> List[str]:
        """Patterns are expanded; a name that is none is left to the library,
        which says so."""
        names = ["logits" if self.d_vocab else "outputs"]
        for hook in [hooks] if isinstance(hooks, str) else hooks:
            found = [h for h in self.hooks if fnmatch.fnmatchcase(h, hook)]
            names += [h for h in found or [hook] if h not in names]
        return names

    def _collect(self, out) -> Dict[str, np.ndarray]:
        ffi, lib = self._ffi, self._lib
        owner = ffi.gc(out[0], lib.eg_arrays_free)
        return {ffi.string(lib.eg_arrays_name(owner, i)).decode():
                array_of(owner, lib.eg_arrays_view(owner, i), ffi)
                for i in range(lib.eg_arrays_count(owner))}

    def forward(self, tokens=None, hooks: Union[str, Sequence[str]] = (), *,
                targets=None, inputs=None, outputs=None,
                prompts=None) -> Activations:
        """One forward pass.

        tokens [n, pos], or one sequence [pos]; of a model of vectors inputs
        [n, pos, n_in]. Shorter sequences than n_ctx will do where a mask keeps
        positions from seeing what is behind them. hooks: names, in which *
        stands for any text ("blocks.*.attn.hook_pattern"). The answer has
        `logits` (of vectors `outputs`), `nll` (-log p(target), or half the
        squared error; 0 without targets), `pred`, and the hooks: the batch
        first, then as in docs/probes.md."""
        ffi, lib = self._ffi, self._lib
        batch = self._batch(tokens, targets, inputs, outputs, prompts)
        names = self._names(hooks)
        texts = [ffi.new("char[]", name.encode()) for name in names]
        out, err = ffi.new("eg_arrays **"), ffi.new("eg_err *")
        with self._alone():
            status = lib.eg_subject_forward(
                out, self._subject, batch.c, ffi.new("const char *[]", texts),
                len(texts), err)
        check(ffi, status, err)
        return Activations({name: batch.cut(name, array)
                            for name, array in self._collect(out).items()})

    def gradient(self, tokens=None, targets=None, *, inputs=None, outputs=None,
                 prompts=None) -> Tuple[float, Dict[str, np.ndarray]]:
        """The mean loss over all positions with a target, and its gradient
        with respect to every tensor that can be trained, by name.

        targets -1: no target there. Without any, of tokens, each position's
        target is the next token, and the last has none."""
        if targets is None and tokens is not None and self.d_vocab:
            tokens = np.asarray(tokens)
            targets = np.full(tokens.shape, -1, np.int32)
            targets[..., :-1] = tokens[..., 1:]
        elif targets is None and outputs is not None:
            targets = np.zeros(np.shape(outputs)[:-1], np.int32)
        ffi, lib = self._ffi, self._lib
        batch = self._batch(tokens, targets, inputs, outputs, prompts)
        out, err = ffi.new("eg_arrays **"), ffi.new("eg_err *")
        loss = ffi.new("double *")
        with self._alone():
            status = lib.eg_subject_gradient(out, loss, self._subject, batch.c,
                                             err)
        check(ffi, status, err)
        return loss[0], self._collect(out)

    # ---- held ---------------------------------------------------------------

    @contextmanager
    def hold(self, hooks: Union[str, Mapping[str, Any]], to=0.0):
        """Within the block, hooks are not what the model makes of them:

            with model.hold("blocks.0.attn.hook_z.h1"):              # zero
            with model.hold({"blocks.1.hook_mlp_out": mean}):        # a row

        to, and values of the dict: a number, or a row with a number for each
        column, that every position gets. ".h1" behind a name is head 1 alone.
        Within a block in this one, what both name is as the inner one says.
        """
        held = hooks if isinstance(hooks, Mapping) else {hooks: to}
        new = [(name, np.array(value, np.float64))
               for name, value in held.items()]
        try:
            with self._alone():
                for name, row in new:
                    self._hold(name, row)
                self._held = [*self._held, *new]
            yield self
        finally:
            if os.getpid() == self._pid:
                with self._lock:
                    self._lib.eg_subject_let_go(self._subject)
                    self._held = [h for h in self._held
                                  if not any(h is own for own in new)]
                    for name, row in self._held:  # of other blocks
                        self._hold(name, row)

    def _hold(self, name: str, row: np.ndarray) -> None:
        """Under the lock."""
        ffi, lib = self._ffi, self._lib
        hook, dot, last = name.rpartition(".h")
        head = int(last) if dot and last.isdigit() else -1
        text = ffi.new("char[]", (hook if head >= 0 else name).encode())
        hold, err = ffi.new("eg_hold *"), ffi.new("eg_err *")
        hold.hook, hold.head = text, head
        if row.ndim or row != 0:
            row = self._row(name, row, text, head)
            hold.row = ffi.cast("double *", row.ctypes.data)
        check(ffi, lib.eg_subject_hold(self._subject, hold, err), err)

    def _row(self, name: str, row: np.ndarray, text, head: int) -> np.ndarray:
        columns = self._lib.eg_subject_columns(self._subject, text, head)
        if columns and row.ndim == 0:
            row = np.full(columns, float(row))
        if columns and row.size != columns:
            raise Error(f"{name}: expected {columns} columns, found {row.size}")
        return np.ascontiguousarray(row.ravel())

    # ---- going on -----------------------------------------------------------

    def generate(self, prompt=None, tokens: int = 200, *,
                 temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0,
                 seed: Optional[int] = None) -> np.ndarray:
        """The tokens [tokens] that the model says behind a prompt, as
        `engram generate` draws them.

        prompt: text, tokens [n], or None: the end of a text, else the first
        token of a sequence of the task. temperature 0: always the likeliest
        token. top_k, top_p: of the likeliest alone (0 and 1: of all). seed:
        another draw; else run.seed. Of a prompt and its tokens above n_ctx the
        older half is forgotten. Ctrl-C ends it between two tokens."""
        ffi, lib = self._ffi, self._lib
        how = self._sampling(temperature, top_k, top_p)
        begin, tokens = self._prompt(prompt), whole("tokens", tokens, 0, 10**9)
        seed = self.config["run"]["seed"] if seed is None else seed
        seed = whole("seed", seed, 0, 2**64 - 1)
        work = ffi.new("double[]", 3 * max(self.d_vocab, 1))
        said = np.zeros(tokens, np.int32)
        out, err = ffi.new("eg_decoder **"), ffi.new("eg_err *")
        with self._alone():
            check(ffi, lib.eg_subject_decoder(out, self._subject, err), err)
            try:
                check(ffi, lib.eg_decoder_prompt(
                    out[0], ffi.cast("int32_t *", begin.ctypes.data),
                    len(begin), err), err)
                for n in range(tokens):
                    said[n] = lib.eg_decoder_draw(out[0], how, seed, n, work)
                    if said[n] < 0:
                        raise Error(f"{self.path}: no logit behind token "
                                    f"{len(begin) + n} is a number")
                    check(ffi, lib.eg_decoder_step(out[0], int(said[n]), err),
                          err)
            finally:
                lib.eg_decoder_free(out[0])
        return said

    def _sampling(self, temperature, top_k, top_p):
        for name, value, most in (("temperature", temperature, 1e6),
                                  ("top_p", top_p, 1)):
            if not 0 <= value <= most:
                raise Error(f"{name}: expected 0 to {most:g}, found {value}")
        top_k = whole("top_k", top_k, 0, 1048576)
        return self._ffi.new("eg_sample_opts *", {
            "temperature": temperature, "top_p": top_p, "top_k": top_k})

    def _prompt(self, prompt) -> np.ndarray:
        if isinstance(prompt, str):
            return self.encode(prompt, special=True)
        if prompt is None and self.d_vocab:
            found = self._lib.eg_subject_tokenizer(self._subject)
            end = self._lib.eg_tokenizer_eot(found) if found else -1
            prompt = [end] if end >= 0 else \
                self.batch(1, "test")["tokens"][0, :1]
        found = np.asarray([] if prompt is None else prompt)
        if found.ndim != 1 or (len(found) and found.dtype.kind not in "iu"):
            raise Error("prompt: expected text, or tokens [n] as whole "
                        f"numbers, found {found.dtype} {list(found.shape)}")
        if len(found) and not 0 <= found.min() <= found.max() < self.d_vocab:
            raise Error(f"prompt: expected tokens from 0 to {self.d_vocab - 1}"
                        f", found {found.min()} to {found.max()}")
        return np.ascontiguousarray(found, np.int32)

    # ---- text ---------------------------------------------------------------

    def _tokenizer(self) -> Tokenizer:
        found = self._lib.eg_subject_tokenizer(self._subject)
        if not found:
            raise Error("nothing names this model's tokens")
        return Tokenizer(self._ffi, self._lib, found)

    def encode(self, text: str, special: bool = False) -> np.ndarray:
        """Text as tokens, where a tokenizer came with the model. special:
        <|endoftext|> and its like, where they stand in it, are one token."""
        return self._tokenizer().encode(text, special)

    def decode(self, tokens) -> str:
        """Tokens as text."""
        return self._tokenizer().decode(tokens)

    def __repr__(self) -> str:
        return f"<model {self.path} ({self.what}), {self.dtype}>"

"""Tunes that are sent, and whether what was recorded is the same sound."""
import array
import math
import operator
import wave

RATE = 8000


def write_tune(path, notes, seconds=1.5, rate=RATE):
    """A few notes one after the other, none like another tune's."""
    samples = array.array("h")
    for note in notes:
        for i in range(int(seconds / len(notes) * rate)):
            samples.append(int(9000 * math.sin(2 * math.pi * note * i / rate)))
    with wave.open(path, "wb") as f:
        f.setparams((1, 2, rate, 0, "NONE", ""))
        f.writeframes(samples.tobytes())


def read_samples(path):
    """16 bit mono at RATE: every nth sample where it was recorded at more."""
    with wave.open(path, "rb") as f:
        samples = array.array("h", f.readframes(f.getnframes()))
        step = f.getframerate() // RATE
    return samples[::step]


def best_correlation(sent, heard):
    """The greatest normalised correlation of a stretch of sent with heard, over all delays."""
    start, length = len(sent) // 4, 1600
    piece = sent[start:start + length]
    norm = math.sqrt(sum(map(operator.mul, piece, piece)))
    best = 0.0
    for at in range(0, len(heard) - length):
        window = heard[at:at + length]
        product = sum(map(operator.mul, piece, window))
        if product <= 0:
            continue
        best = max(best, product / (norm * math.sqrt(sum(map(operator.mul, window, window))) + 1))
        if best > 0.97:
            break
    return best

/* Any bytes as a WAV file: what parses says the truth about its size, and every sample is there. */
#include "base/check.h"
#include "media/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct media_wav wav;
    if (media_wav_parse(bytes_of(data, size), &wav) != RC_OK) return 0;
    CHECK(wav.rate_hz >= 8000 && wav.rate_hz <= 48000);
    CHECK(wav.channels >= 1 && wav.channels <= MEDIA_WAV_CHANNELS_MAX);
    CHECK(wav.frame_count * wav.channels * 2 <= wav.data.n);
    for (size_t i = 0; i < wav.frame_count; i++)
        (void)media_wav_sample(&wav, i);
    return 0;
}

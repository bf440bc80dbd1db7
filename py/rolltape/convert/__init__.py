"""Out of a recording into another file, packet by packet: Opus, WAV, a seekable WebM, MP4.

    wanted = await plan(sources, Target.OPUS)        # reads the headers; raises ConvertError
    conversion = Conversion(wanted)
    async for share in conversion.run(output):       # 0 to 1
        show(share)
    for sentence in conversion.losses: ...

Sources are read in slices, outputs written in order, so memory stays flat whatever the size; between
slices others may run. To cancel, close the iterator or cancel the task.
"""

from rolltape.convert.plan import ConversionPlan, InputFile, Target, part_of, plan
from rolltape.convert.run import Conversion, Output

__all__ = ["Conversion", "ConversionPlan", "InputFile", "Output", "Target", "part_of", "plan"]

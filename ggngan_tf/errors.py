"""What goes wrong with a user's input, by the room in which it is found.

Each message says where, what was found, what was needed and what to do. The commands print it as
one line and exit with 1; everything else that is raised is a defect of ours.
"""


class GgnganError(Exception):
    """An error that a user can mend; base of all errors that this package raises."""


class ConfigError(GgnganError):
    """A setting is unknown, impossible or at odds with another one."""


class ParallelError(GgnganError):
    """A worker process was killed, or a cluster lost its work."""


class OutputError(GgnganError):
    """A result cannot be written where it was asked for."""


class NoduleSetError(GgnganError):
    """A file or table of nodules does not conform to `ggngan-nodules/1`."""


class CohortError(GgnganError):
    """A cohort cannot be drawn from the annotations."""


class DicomError(GgnganError):
    """A DICOM file or series cannot be read as CT, or cannot be written."""


class LungError(GgnganError):
    """No lung was found where one was needed."""


class SiteError(GgnganError):
    """A nodule cannot be painted at the place or in the shape that was asked for."""


class ModelError(GgnganError):
    """A saved model is missing, damaged or not one of ours."""


class TrainingError(GgnganError):
    """A training run cannot start, go on or resume."""


class RadiomicsError(GgnganError):
    """Features cannot be computed or compared."""


class ReadingError(GgnganError):
    """A visual Turing test cannot be packed, served or scored."""

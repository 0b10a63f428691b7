"""How a network is read: what the voltages of its output nodes say (scores), and what these answer."""

from analog_nmos.readouts.answers import TIE_V, Answer, Highest, NearestLevel, Value, highest
from analog_nmos.readouts.readout import Readout

__all__ = ["TIE_V", "Answer", "Highest", "NearestLevel", "Readout", "Value", "highest"]

__version__ = "0.1.0"

# The front door: what most scripts need, imported when it is first asked for, so that `import chronostar` loads nothing.
__all__ = ['InputError', 'prepare', 'StarData', 'ComponentMixture', 'Driver', 'read_result']
_WHERE = {'InputError': 'conventions', 'prepare': 'datatools', 'StarData': 'datatools', 'ComponentMixture': 'mixture.componentmixture',
          'Driver': 'driver', 'read_result': 'results'}


def __getattr__(name):
    if name not in _WHERE: raise AttributeError(f"module 'chronostar' has no attribute {name!r}")
    from importlib import import_module
    return getattr(import_module(f'chronostar.{_WHERE[name]}'), name)


def __dir__(): return sorted([*globals(), *__all__])

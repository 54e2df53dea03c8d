def pytest_addoption(parser):
    parser.addoption("--lab", help="the folder that run has made")

// Writes a report's page to standard output. Usage: render_page REPORT.json TITLE
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "client/cli/report/report_page.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: render_page REPORT.json TITLE\n";
    return 2;
  }
  std::ifstream file(argv[1]);
  std::ostringstream report;
  report << file.rdbuf();
  if (!file) {
    std::cerr << argv[1] << " cannot be read\n";
    return 1;
  }
  std::cout << normd::cli::ReportPage(report.str(), argv[2]);
}
